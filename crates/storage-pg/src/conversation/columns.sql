-- The conversations of `picked` as the viewer sees them; `row.rs` reads the columns in this order. The
-- viewer's own profile is the same in all of them, and is not repeated here.
SELECT
    c.id, c.appointment_id, c.subject, c.status, c.created_at, c.updated_at, c.last_message_at,
    c.last_seq, c.salon_read_seq, c.client_read_seq, c.is_salon, c.unread,
    other.id AS other_id, other.role AS other_role, other.first_name AS other_first_name,
    other.last_name AS other_last_name, other.salon_name AS other_salon_name,
    other.image AS other_image, other.email AS other_email, other.language AS other_language,
    other.zone AS other_zone, other.is_forgotten AS other_is_forgotten,
    m.id AS message_id, m.content AS message_content, m.kind AS message_kind,
    m.created_at AS message_created_at, m.author_side AS message_author_side
