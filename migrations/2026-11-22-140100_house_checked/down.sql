-- A rule that was looked up needs no going back.
SELECT;
