-- The lines that waited, as the rare cases left them. Followed by 60_write_and_sum.sql.
WITH ready AS NOT MATERIALIZED (
    SELECT * FROM settling_line
)
