-- What is held for a buyer is the holds of their open bookings less what was charged to them.
WITH open_hold AS (
    SELECT b.organization_id, b.currency,
        sum(b.held_micros - coalesce(d.charged_micros, 0)) AS micros
    FROM marketplace_booking_terms_v b
    LEFT JOIN billing_bookingdelivery d ON d.booking_id = b.booking_id
    WHERE b.is_live AND d.closed_at IS NULL
    GROUP BY b.organization_id, b.currency
), held AS (
    SELECT organization_id, currency, balance_micros AS micros
    FROM billing_account WHERE kind = 'buyer_held'
)
SELECT coalesce(o.currency, h.currency) AS currency, sum(coalesce(o.micros, 0)) AS expected_micros,
    sum(coalesce(h.micros, 0)) AS found_micros,
    count(*) FILTER (WHERE coalesce(o.micros, 0) <> coalesce(h.micros, 0)) AS broken_count
FROM open_hold o
FULL JOIN held h ON h.organization_id = o.organization_id AND h.currency = o.currency
GROUP BY 1;
