-- The ledger of a lake of format 1, as the first version made it. Never changed: lakes of that version are not either.

CREATE TABLE announcement (
    id INTEGER NOT NULL,
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

CREATE TABLE decision (
    id INTEGER NOT NULL,
    center VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    reason_codes JSON NOT NULL,
    "by" VARCHAR NOT NULL,
    why VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE lake (
    name VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE lease (
    name VARCHAR NOT NULL,
    token BIGINT DEFAULT 0 NOT NULL,
    holder VARCHAR,
    expires FLOAT DEFAULT 0 NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE pass (
    number BIGINT NOT NULL,
    center VARCHAR NOT NULL,
    deliveries JSON NOT NULL,
    finished_at VARCHAR NOT NULL,
    accepted_failed BOOLEAN NOT NULL,
    PRIMARY KEY (number)
);

CREATE TABLE send_again (
    id INTEGER NOT NULL,
    center VARCHAR NOT NULL,
    told_in VARCHAR NOT NULL,
    lifted_by VARCHAR NOT NULL,
    file VARCHAR NOT NULL,
    "row" INTEGER NOT NULL,
    finding JSON NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (lifted_by, file, "row")
);

CREATE TABLE transition (
    id INTEGER NOT NULL,
    center VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    from_state VARCHAR NOT NULL,
    to_state VARCHAR NOT NULL,
    reason_codes JSON NOT NULL,
    at VARCHAR NOT NULL,
    "by" VARCHAR NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE delivery (
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
    FOREIGN KEY(announcement_id) REFERENCES announcement (id)
);

CREATE UNIQUE INDEX one_successor ON delivery (center, predecessor) WHERE state IN ('loading', 'loaded');
