DROP TABLE settling_sum, settling_delivery;
