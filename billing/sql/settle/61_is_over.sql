SELECT EXISTS (SELECT FROM settling_delivery WHERE energy_wh > room_wh OR jobs > room_jobs);
