"""A row is a hospital, or a site of one."""

from quality.contract import Column, Table
from quality.contracts.silver._common import id_column

TABLE = Table(
    layer="silver",
    name="ref_center",
    grain="One hospital, or one of its sites.",
    key=("ref_center_id",),
    columns=(
        id_column("ref_center_id", "The hospital or site: a hash of center and site_id."),
        Column("center", "string", "The hospital it belongs to.", nullable=False, sensitivity="none"),
        Column("site_id", "string", "The site inside the hospital (aphp); null for the hospital itself.", sensitivity="none"),
        Column(
            "finess",
            "string",
            "FINESS number; sites come without.",
            matches="^[0-9]{9}$",
            code_system="FINESS",
            sensitivity="none",
        ),
        Column("name", "string", "Name of the hospital or site.", nullable=False, sensitivity="none"),
        Column(
            "type", "string", "CLCC (cancer center), CHU (university hospital), or the kind of site as sent.", sensitivity="none"
        ),
        Column(
            "parent_finess",
            "string",
            "FINESS number of the hospital a site belongs to.",
            matches="^[0-9]{9}$",
            code_system="FINESS",
            sensitivity="none",
        ),
        Column("parent_site_id", "string", "The site that this one is part of (aphp).", sensitivity="none"),
        Column(
            "oncology_mart",
            "boolean",
            "Whether the site declares tumours (aphp); elsewhere they are inferred from codes.",
            sensitivity="none",
        ),
        Column("is_current", "boolean", "True for what the hospital says now.", nullable=False, sensitivity="none"),
        Column("is_deleted", "boolean", "True where the hospital withdrew it.", nullable=False, sensitivity="none"),
    ),
)
