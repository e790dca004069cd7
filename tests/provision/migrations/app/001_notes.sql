-- A table whose rows belong to somebody, seen by its owner alone.
CREATE TABLE notes (id bigint PRIMARY KEY, author text NOT NULL, body text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (author = current_setting('app.author', true));
