-- One salon per forty conversations, one client per three. Artists belong to a salon.
INSERT INTO "User" (id, email, password, "firstName", "lastName", "salonName", image, role, "salonId", "createdAt", "updatedAt")
SELECT pg_temp.cuid('salon', n), 'salon' || n || '@salons.example', 'not a real hash',
    (ARRAY['Nora', 'Éloïse', 'Karim', NULL])[1 + n % 4], (ARRAY['Le Goff', 'Benali', 'Müller'])[1 + n % 3],
    CASE WHEN n % 6 > 0 THEN 'Encre Noire n° ' || n END, 'https://utfs.io/f/salon-' || n || '.webp',
    (ARRAY['user_salon', 'user', 'user_tatoueur'])[1 + n % 3]::"Role", CASE WHEN n % 3 = 2 THEN pg_temp.cuid('salon', n - 2) END,
    born, born
FROM generate_series(0, :conversations / 40) AS n,
    LATERAL (SELECT timestamp '2023-03-01' + n * interval '1 hour') AS birth (born);

INSERT INTO "User" (id, email, password, "firstName", "lastName", role, "createdAt", "updatedAt")
SELECT pg_temp.cuid('client', n), 'client' || n || '@mail.example', 'not a real hash',
    (ARRAY['Camille', 'Léa', 'Jean-Noël', 'Zoé', NULL])[1 + n % 5],
    (ARRAY['Roux', 'D''Angelo', 'Nguyễn', NULL])[1 + n % 4], 'client', born, born
FROM generate_series(0, :conversations / 3) AS n,
    LATERAL (SELECT timestamp '2023-04-01' + n * interval '5 min') AS birth (born);

INSERT INTO "User" (id, email, password, "firstName", role, "updatedAt") VALUES
    ('cadmin0000000000000000000', 'admin@platform.example', 'not a real hash', 'Ada', 'admin', timestamp '2023-03-01'),
    ('ctrainer00000000000000000', 'formation@platform.example', 'not a real hash', 'Tom', 'formateur', timestamp '2023-03-01');
