"""A row is a variant called in a tumour sample. No row for a gene means "not altered" only if the panel covers the gene."""

from quality.contract import Column, Reference, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    flagged,
    id_column,
    in_order,
    silver_columns,
    within,
)

TABLE = Table(
    layer="silver",
    name="variant",
    grain="One variant of one analysis.",
    key=("variant_id",),
    columns=silver_columns(
        id_column("variant_id", "The variant in the analysis."),
        id_column(
            "analysis_id", "The analysis that found it; null where the hospital names the sample alone (curie).", nullable=True
        ),
        id_column("specimen_id", "The sample it was found in.", nullable=True),
        PERSON_ID,
        *coded_columns("build", "Reference genome of the position.", "variant.build", nullable=False, sensitivity="none"),
        Column("chrom", "string", "Chromosome: 1 to 22, X, Y, MT.", nullable=False, sensitivity="sensitive"),
        Column("pos", "long", "First position, 1-based as in the MAF.", nullable=False, sensitivity="sensitive"),
        Column("end_pos", "long", "Last position, 1-based as in the MAF.", sensitivity="sensitive"),
        Column(
            "ref", "string", "Reference allele as in the MAF; - is none (insertion).", nullable=False, sensitivity="sensitive"
        ),
        Column("alt", "string", "Tumour allele as in the MAF; - is none (deletion).", nullable=False, sensitivity="sensitive"),
        Column("gene_hgnc", "string", "HGNC symbol of the gene.", code_system="HGNC", sensitivity="sensitive"),
        Column(
            "hgvs_c",
            "string",
            "Change in the coding sequence (HGVS); no hospital sends it yet.",
            code_system="HGVS",
            sensitivity="sensitive",
        ),
        Column("hgvs_p", "string", "Change in the protein (HGVS, one letter).", code_system="HGVS", sensitivity="sensitive"),
        *coded_columns("classification", "Effect on the protein.", "variant.classification"),
        Column("variant_type", "string", "SNP, DNP, INS, DEL … as in the MAF.", sensitivity="sensitive"),
        Column("source_class", "string", "Somatic or germline; no hospital says so yet.", sensitivity="sensitive"),
        Column("depth", "long", "Reads over the position in the tumour.", sensitivity="none"),
        Column("alt_depth", "long", "Reads with the tumour allele.", sensitivity="none"),
        Column("vaf", "double", "Variant allele fraction: alt_depth / depth.", sensitivity="sensitive"),
        Column("normal_depth", "long", "Reads over the position in the normal sample.", sensitivity="none"),
        Column("normal_alt_depth", "long", "Reads with the tumour allele in the normal sample.", sensitivity="none"),
        Column("filter", "string", "Filters of the caller, as in the MAF.", sensitivity="none"),
        Column("allelic_state", "string", "Heterozygous, homozygous; no hospital says so yet.", sensitivity="sensitive"),
        Column("pathogenicity", "string", "Pathogenicity; no hospital says so yet.", sensitivity="sensitive"),
        Column("actionability", "string", "Actionability; no hospital says so yet.", sensitivity="sensitive"),
        Column("board_used", "boolean", "Used by a molecular tumour board; no hospital says so yet.", sensitivity="sensitive"),
    ),
    rules=(
        within("VAF_OUT_OF_RANGE", "vaf", 0, 1, "A fraction lies between 0 and 1."),
        in_order("VARIANT_ENDS_BEFORE_START", "pos", "end_pos", "A variant ends where it starts or later."),
        flagged("DEPTH_ZERO", "depth = 0", "Nothing is called where nothing was read."),
    ),
    references=(
        OF_PERSON,
        Reference("analysis_id", "molecular_analysis", "analysis_id"),
        Reference("specimen_id", "specimen", "specimen_id"),
    ),
    volatile=VOLATILE,
    hidden_by=("all", "genetics", "samples"),
)
