-- The vault of a lake of format 1, as the first version made it.

CREATE TABLE child_key (
    center VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    row_id VARCHAR NOT NULL,
    person_id VARCHAR,
    PRIMARY KEY (center, domain, row_id)
);

CREATE TABLE "conflict" (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    other_center VARCHAR NOT NULL,
    other_person_id VARCHAR NOT NULL,
    delivery_id VARCHAR,
    PRIMARY KEY (center, person_id, other_center, other_person_id)
);

CREATE TABLE held (
    delivery_id VARCHAR NOT NULL,
    center VARCHAR,
    previous VARCHAR,
    created_at VARCHAR,
    PRIMARY KEY (delivery_id)
);

CREATE TABLE held_statement (
    center VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    row_no INTEGER NOT NULL,
    person_id VARCHAR,
    kind VARCHAR,
    scope VARCHAR,
    statement_key VARCHAR,
    event_at VARCHAR,
    extract_at VARCHAR,
    created_at VARCHAR,
    withdrawn BOOLEAN,
    PRIMARY KEY (center, delivery_id, row_no)
);

CREATE TABLE identity (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    token_key VARCHAR,
    sex VARCHAR,
    birth_month VARCHAR,
    version_at VARCHAR,
    seen_at VARCHAR,
    last_delivery_id VARCHAR,
    last_file VARCHAR,
    chain_position INTEGER,
    source_row_no INTEGER,
    last_row_no INTEGER,
    PRIMARY KEY (center, person_id)
);

CREATE INDEX identity_by_token ON identity (token_key);

CREATE TABLE identity_version (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    token_key VARCHAR,
    sex VARCHAR,
    birth_month VARCHAR,
    version_at VARCHAR,
    seen_at VARCHAR,
    chain_position INTEGER,
    source_row_no INTEGER,
    PRIMARY KEY (center, person_id, delivery_id)
);

CREATE TABLE in_force (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    since VARCHAR,
    PRIMARY KEY (center, person_id, scope)
);

CREATE TABLE link (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    other_center VARCHAR NOT NULL,
    other_person_id VARCHAR NOT NULL,
    token_key VARCHAR,
    since VARCHAR,
    PRIMARY KEY (center, person_id, other_center, other_person_id)
);

CREATE INDEX link_by_token ON link (token_key);

CREATE TABLE merge (
    center VARCHAR NOT NULL,
    old VARCHAR NOT NULL,
    kept VARCHAR,
    delivery_id VARCHAR,
    merged_at VARCHAR,
    seen_at VARCHAR,
    chain_position INTEGER,
    PRIMARY KEY (center, old)
);

CREATE TABLE opposition (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    since VARCHAR,
    statement_key VARCHAR,
    PRIMARY KEY (center, person_id, scope, origin, delivery_id)
);

CREATE TABLE revision (
    name VARCHAR NOT NULL,
    number INTEGER,
    PRIMARY KEY (name)
);

CREATE TABLE rights_event (
    center VARCHAR NOT NULL,
    statement_key VARCHAR NOT NULL,
    person_id VARCHAR,
    kind VARCHAR,
    scope VARCHAR,
    event_at VARCHAR,
    extract_at VARCHAR,
    delivery_id VARCHAR,
    since VARCHAR,
    chain_position INTEGER,
    row_no INTEGER,
    withdrawn BOOLEAN,
    PRIMARY KEY (center, statement_key)
);

CREATE TABLE settled (
    delivery_id VARCHAR NOT NULL,
    center VARCHAR,
    change TEXT,
    PRIMARY KEY (delivery_id)
);

CREATE TABLE statement (
    center VARCHAR NOT NULL,
    statement_key VARCHAR NOT NULL,
    person_id VARCHAR,
    kind VARCHAR,
    scope VARCHAR,
    delivery_id VARCHAR,
    PRIMARY KEY (center, statement_key)
);
