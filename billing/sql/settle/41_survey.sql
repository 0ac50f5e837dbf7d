-- Which of the rare cases are there at all? settling_line holds no others.
SET LOCAL join_collapse_limit = 8;
ANALYZE settling_line;
SELECT EXISTS (SELECT FROM settling_correction), EXISTS (SELECT FROM settling_pause),
    EXISTS (SELECT FROM settling_superseded),
    coalesce(bool_or(electricity_micros IS NULL OR wear_micros IS NULL
        OR organization_id IS NULL), false),
    coalesce(bool_or(refusals <> 0), false),
    EXISTS (SELECT FROM settling_terms WHERE has_further_rules),
    EXISTS (SELECT FROM consent_grace_v),
    EXISTS (SELECT FROM settling_booking WHERE is_tight),
    EXISTS (SELECT FROM consent_reserved_v), EXISTS (SELECT FROM settling_line)
FROM settling_line;
