-- Ledger and vault of a lake of format 1, as the first version made them.

CREATE SCHEMA ledger;

CREATE SCHEMA vault;

CREATE TABLE ledger.announcement (
    id SERIAL NOT NULL,
    path VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    folder VARCHAR NOT NULL,
    found_at VARCHAR NOT NULL,
    delivery_id VARCHAR,
    center VARCHAR,
    outcome VARCHAR,
    report JSON,
    settled_at VARCHAR,
    PRIMARY KEY (id),
    UNIQUE (path, size, mtime_ns)
);

CREATE TABLE ledger.decision (
    id SERIAL NOT NULL,
    center VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    reason_codes JSON NOT NULL,
    by VARCHAR NOT NULL,
    why VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE ledger.lake (
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE ledger.lease (
    name VARCHAR NOT NULL,
    token BIGINT DEFAULT 0 NOT NULL,
    holder VARCHAR,
    expires FLOAT DEFAULT 0 NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE ledger.pass (
    number BIGINT NOT NULL,
    center VARCHAR NOT NULL,
    deliveries JSON NOT NULL,
    finished_at VARCHAR NOT NULL,
    accepted_failed BOOLEAN NOT NULL,
    PRIMARY KEY (number)
);

CREATE TABLE ledger.send_again (
    id SERIAL NOT NULL,
    center VARCHAR NOT NULL,
    told_in VARCHAR NOT NULL,
    lifted_by VARCHAR NOT NULL,
    file VARCHAR NOT NULL,
    row INTEGER NOT NULL,
    finding JSON NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (lifted_by, file, row)
);

CREATE TABLE ledger.transition (
    id SERIAL NOT NULL,
    center VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    from_state VARCHAR NOT NULL,
    to_state VARCHAR NOT NULL,
    reason_codes JSON NOT NULL,
    at VARCHAR NOT NULL,
    by VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE ledger.delivery (
    center VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    announcement_id INTEGER NOT NULL,
    folder VARCHAR NOT NULL,
    canonical_sha256 VARCHAR NOT NULL,
    created_at VARCHAR NOT NULL,
    window_from VARCHAR,
    window_to VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    pseudonym_key_id VARCHAR NOT NULL,
    previous VARCHAR,
    replaces VARCHAR,
    state VARCHAR NOT NULL,
    reason_codes JSON NOT NULL,
    predecessor VARCHAR,
    chain_position INTEGER,
    attempts INTEGER NOT NULL,
    approved BOOLEAN NOT NULL,
    in_bronze BOOLEAN NOT NULL,
    gate_waived BOOLEAN NOT NULL,
    oppositions VARCHAR,
    released_by VARCHAR,
    pass_number BIGINT,
    report JSON NOT NULL,
    since VARCHAR NOT NULL,
    PRIMARY KEY (center, delivery_id),
    FOREIGN KEY(announcement_id) REFERENCES ledger.announcement (id)
);

CREATE UNIQUE INDEX one_successor ON ledger.delivery (center, predecessor) WHERE state IN ('loading', 'loaded');

CREATE TABLE vault.child_key (
    center VARCHAR NOT NULL,
    domain VARCHAR NOT NULL,
    row_id VARCHAR NOT NULL,
    person_id VARCHAR,
    PRIMARY KEY (center, domain, row_id)
);

CREATE TABLE vault.conflict (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    other_center VARCHAR NOT NULL,
    other_person_id VARCHAR NOT NULL,
    delivery_id VARCHAR,
    PRIMARY KEY (center, person_id, other_center, other_person_id)
);

CREATE TABLE vault.held (
    delivery_id VARCHAR NOT NULL,
    center VARCHAR,
    previous VARCHAR,
    created_at VARCHAR,
    PRIMARY KEY (delivery_id)
);

CREATE TABLE vault.held_statement (
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

CREATE TABLE vault.identity (
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

CREATE INDEX identity_by_token ON vault.identity (token_key);

CREATE TABLE vault.identity_version (
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

CREATE TABLE vault.in_force (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    since VARCHAR,
    PRIMARY KEY (center, person_id, scope)
);

CREATE TABLE vault.link (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    other_center VARCHAR NOT NULL,
    other_person_id VARCHAR NOT NULL,
    token_key VARCHAR,
    since VARCHAR,
    PRIMARY KEY (center, person_id, other_center, other_person_id)
);

CREATE INDEX link_by_token ON vault.link (token_key);

CREATE TABLE vault.merge (
    center VARCHAR NOT NULL,
    "old" VARCHAR NOT NULL,
    kept VARCHAR,
    delivery_id VARCHAR,
    merged_at VARCHAR,
    seen_at VARCHAR,
    chain_position INTEGER,
    PRIMARY KEY (center, "old")
);

CREATE TABLE vault.opposition (
    center VARCHAR NOT NULL,
    person_id VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    since VARCHAR,
    statement_key VARCHAR,
    PRIMARY KEY (center, person_id, scope, origin, delivery_id)
);

CREATE TABLE vault.revision (
    name VARCHAR NOT NULL,
    number INTEGER,
    PRIMARY KEY (name)
);

CREATE TABLE vault.rights_event (
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

CREATE TABLE vault.settled (
    delivery_id VARCHAR NOT NULL,
    center VARCHAR,
    change TEXT,
    PRIMARY KEY (delivery_id)
);

CREATE TABLE vault.statement (
    center VARCHAR NOT NULL,
    statement_key VARCHAR NOT NULL,
    person_id VARCHAR,
    kind VARCHAR,
    scope VARCHAR,
    delivery_id VARCHAR,
    PRIMARY KEY (center, statement_key)
);
