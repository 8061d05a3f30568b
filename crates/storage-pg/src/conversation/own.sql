-- The viewer $1, who is a participant of every conversation in a list.
    own.id AS own_id, own.role AS own_role, own.first_name AS own_first_name,
    own.last_name AS own_last_name, own.salon_name AS own_salon_name, own.image AS own_image,
    own.email AS own_email, own.language AS own_language, own.zone AS own_zone,
    own.is_forgotten AS own_is_forgotten
