-- Outside the booking: the owner is paid, no buyer is charged.
UPDATE settling_line SET outcome = 2 WHERE charge_micros IS NULL AND outcome = 0;
