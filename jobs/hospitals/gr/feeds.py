"""What Gustave Roussy sends: French CSV increments, a MAF of variants, PMSI stays."""

from jobs.hospitals.feed import MAF, Feed, Hospital
from jobs.hospitals.gr.codes import CODES

FEEDS = (
    Feed(
        "rights",
        "GR_OPPOSITION_{date}_{number}.csv.gz",
        r"""
        ID_PATIENT       hash64    R K
        INFORME          bool      R
        DATE_INFORMATION date
        OPPOSITION       bool      R opposed
        PORTEE           code      K scope = TOUT | GENETIQUE | ECHANTILLONS | INDUSTRIEL
        DATE_OPPOSITION  date      K when PORTEE
        DATE_LEVEE       date
        CANAL            code      = COURRIER | PORTAIL | CONSULTATION
    """,
        encoding="cp1252",
        delimiter=";",
        replaces="all",
    ),
    Feed(
        "patient",
        "GR_PATIENT_{date}_{number}.csv.gz",
        r"""
        ID_PATIENT               hash64    R K
        ID_LIEN                  token
        SEXE                     code      R sex = M | F | I
        DATE_NAISSANCE           date      birth
        DEPT_RESIDENCE           code      ~ ^(0[1-9]|[1-8]\d|9[0-5]|2A|2B|97[1-6]|99)$
        STATUT_VITAL             code      = V | D | PDV
        DATE_DERNIERES_NOUVELLES date
        DATE_DECES               date
        CAUSE_DECES              code      = TUMEUR | TOXICITE | AUTRE_CANCER | AUTRE | NSP
        DATE_MAJ                 date      R
        TOP_SUPPR                bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "identity_merge",
        "GR_FUSION_IDENTITE_{date}_{number}.csv.gz",
        r"""
        ID_PATIENT_ANCIEN   hash64    R K
        ID_PATIENT_CONSERVE hash64    R
        DATE_FUSION         date      R
    """,
        encoding="cp1252",
        delimiter=";",
        replaces="nothing",
    ),
    Feed(
        "tumour",
        "GR_TUMEUR_{date}_{number}.csv.gz",
        r"""
        ID_TUMEUR    id        R K
        ID_PATIENT   hash64    R >patient!
        RANG         int       1..9
        DATE_DIAG    date~
        BASE_DIAG    code      = HISTO | CYTO | CLINIQUE | IMAGERIE
        CODE_CIM10   code      ~ ^[A-Z]\d{2}(\.\d{1,2})?$
        TOPO_CIMO3   code      ~ ^C\d{2}(\.\d)?$
        MORPHO_CIMO3 code      ~ ^\d{4}/[01236]$
        CODE_ADICAP  text
        LATERALITE   code      = D | G | B | M | NA
        TNM_TYPE     code      = c | p | y | r
        TNM_VERSION  text
        T            text
        N            text
        M            text
        STADE        text
        GRADE_TYPE   code      = HISTO | GLEASON | FUHRMAN | FIGO | OMS
        GRADE        text
        OMS_DIAG     int       0..5
        META_DIAG    bool
        SITES_META   text
        DIAG_CENTRE  bool
        DATE_MAJ     date      R
        TOP_SUPPR    bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "event",
        "GR_EVENEMENT_{date}_{number}.csv.gz",
        r"""
        ID_EVT     id        R K
        ID_TUMEUR  id        R >tumour!
        ID_PATIENT hash64    R >patient!
        TYPE_EVT   code      = RECIDIVE | RECIDIVE_LOCALE | RECIDIVE_REGIONALE | METASTASE | TRANSFORMATION | PROGRESSION | NOUVEAU_PRIMITIF
        DATE_EVT   date~
        TOPO_CIMO3 code      ~ ^C\d{2}(\.\d)?$
        PREUVE     code      = IMAGERIE | HISTO | CLINIQUE | MARQUEUR
        DATE_MAJ   date      R
        TOP_SUPPR  bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "line",
        "GR_LIGNE_{date}_{number}.csv.gz",
        r"""
        ID_LIGNE          id        R K
        ID_TUMEUR         id        R >tumour!
        ID_PATIENT        hash64    R >patient!
        NUM_LIGNE         int       1..30
        LIBELLE_PROTOCOLE text
        TYPE_LIGNE        code      = NEOADJ | ADJ | META | ENTRETIEN
        INTENTION         code      = CURATIF | PALLIATIF
        DATE_DEBUT        date      <= DATE_FIN
        DATE_FIN          date
        NB_CURES          int       0..99
        MOTIF_ARRET       code      = PROGRESSION | TOXICITE | FIN_PROTOCOLE | DECES | CHOIX | PDV
        CODE_ESSAI        id
        DATE_MAJ          date      R
        TOP_SUPPR         bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "drug",
        "GR_ADMINISTRATION_{date}_{number}.csv.gz",
        r"""
        ID_ADMIN        id        R K
        ID_PATIENT      hash64    R >patient!
        ID_TUMEUR       id        >tumour!
        ID_LIGNE        id        >line?
        PROTOCOLE       text
        CURE            int       1..99
        JOUR            int       1..60
        CODE_UCD        code      ~ ^(\d{7}|34008\d{8})$
        LIBELLE_UCD     text
        DCI             text
        CODE_ATC        code      ~ ^[A-Z]\d{2}[A-Z]{2}\d{2}$
        DOSE_PRESCRITE  dec       0..
        DOSE_ADMIN      dec       0..
        UNITE           text
        VOIE            code      = IV | PO | SC | IM | IT | IP | IVES | AUTRE
        DATE_ADMIN      date      R
        STATUT          code      R = ADMINISTRE | ANNULE | REPORTE
        CODE_INDICATION code      ~ ^I\d{6}$
        CODE_ESSAI      id
        DATE_MAJ        date      R
        TOP_SUPPR       bool      R
    """,
        encoding="cp1252",
        delimiter=";",
        versions=("1", "2"),
        only_from={"CODE_INDICATION": "2"},
    ),
    Feed(
        "surgery",
        "GR_CHIRURGIE_{date}_{number}.csv.gz",
        r"""
        ID_ACTE        id        R K
        ID_PATIENT     hash64    R >patient!
        ID_TUMEUR      id        >tumour!
        DATE_ACTE      date~     R
        CODE_CCAM      code      R ~ ^[A-Z]{4}\d{3}$
        ACTIVITE       int       R 1..5
        LIBELLE        text
        RESECTION      code      = R0 | R1 | R2 | RX
        REPONSE_NEOADJ text
        DATE_MAJ       date      R
        TOP_SUPPR      bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "radiotherapy",
        "GR_RADIOTHERAPIE_{date}_{number}.csv.gz",
        r"""
        ID_COURSE            id        R K
        ID_PATIENT           hash64    R >patient!
        ID_TUMEUR            id        >tumour!
        INTENTION            code      = CURATIF | PALLIATIF
        TECHNIQUE            code      = RC3D | IMRT | VMAT | STEREO | CURIE | PROTON | INTERNE
        VOLUME               text
        DOSE_FRACTION_GY     dec       0..
        NB_FRACTIONS_PREVU   int       0..99
        NB_FRACTIONS_REALISE int       0..99
        DOSE_TOTALE_GY       dec       0..
        DATE_DEBUT           date      <= DATE_FIN
        DATE_FIN             date
        MOTIF_ARRET          code      = PROGRESSION | TOXICITE | FIN_PROTOCOLE | DECES | CHOIX | PDV
        DATE_MAJ             date      R
        TOP_SUPPR            bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "lab",
        "GR_BIOLOGIE_{date}_{number}.csv.gz",
        r"""
        ID_RES             id        R K
        ID_PATIENT         hash64    R >patient!
        DATE_PRELEV        datetime  R
        CODE_ANALYSE_LOCAL id        R
        CODE_LOINC         code      ~ ^\d{2,5}-\d$
        LIBELLE            text
        VALEUR             text
        UNITE              text
        BORNE_INF          dec
        BORNE_SUP          dec
        STATUT             code      R = VALIDE | PROVISOIRE | ANNULE
        DATE_MAJ           date      R
        TOP_SUPPR          bool      R
    """,
        core=False,
        encoding="cp1252",
        delimiter=";",
        validated="STATUT = VALIDE",
    ),
    Feed(
        "response",
        "GR_EVALUATION_{date}_{number}.csv.gz",
        r"""
        ID_EVAL         id        R K
        ID_PATIENT      hash64    R >patient!
        ID_TUMEUR       id        >tumour!
        ID_LIGNE        id        >line?
        DATE_EVAL       date
        METHODE         code      = RECIST11 | IRECIST | RANO | CLINIQUE
        SOMME_CIBLES_MM dec       0..
        NB_CIBLES       int       0..5
        NOUVELLE_LESION bool
        REPONSE         code      R = RC | RP | ST | PD | NE
        DATE_MAJ        date      R
        TOP_SUPPR       bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "toxicity",
        "GR_TOXICITE_{date}_{number}.csv.gz",
        r"""
        ID_EI        id        R K
        ID_PATIENT   hash64    R >patient!
        ID_LIGNE     id        >line?
        TERME_CTCAE  text      R
        CODE_MEDDRA  text
        GRADE        int       R 1..5
        GRAVE        bool
        IMPUTABILITE code      = OUI | NON | POSSIBLE
        DATE_DEBUT   date      R <= DATE_FIN
        DATE_FIN     date
        DATE_MAJ     date      R
        TOP_SUPPR    bool      R
    """,
        core=False,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "biomarker",
        "GR_BIOMARQUEUR_{date}_{number}.csv.gz",
        r"""
        ID_BM         id        R K
        ID_PATIENT    hash64    R >patient!
        ID_TUMEUR     id        >tumour!
        ID_PRELEV     id        >sample?
        MARQUEUR      code      R = RE | RP | HER2 | KI67 | PDL1_TPS | PDL1_CPS | MSI | MMR | TMB | ALK_FISH | KRAS | BRAF | EGFR | IDH1 | P16 | FLT3 | NPM1
        RESULTAT      code      = POS | NEG | EQUIV | ECHEC
        VALEUR        text
        UNITE         text
        METHODE       code      = IHC | FISH | NGS | PCR
        DATE_RESULTAT date
        DATE_MAJ      date      R
        TOP_SUPPR     bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "trial",
        "GR_INCLUSION_ESSAI_{date}_{number}.csv.gz",
        r"""
        ID_INCLUSION      id        R K
        ID_PATIENT        hash64    R >patient!
        CODE_ESSAI        id        R
        NCT               code      ~ ^NCT\d{8}$
        NUM_EUCT          code      ~ ^\d{4}-5\d{5}-\d{2}-\d{2}$
        PHASE             code      = I | I/II | II | III
        BRAS              text
        NIVEAU_DOSE       text
        DATE_CONSENTEMENT date
        DATE_SCREENING    date
        DATE_INCLUSION    date      <= DATE_SORTIE
        DATE_C1J1         date
        DLT               code      = O | N | NE
        DATE_DLT          date
        DATE_SORTIE       date
        MOTIF_SORTIE      code      = PROGRESSION | TOXICITE | FIN_PROTOCOLE | DECES | CHOIX | PDV
        ECHEC_SCREENING   bool
        MOTIF_ECHEC       text
        DATE_MAJ          date      R
        TOP_SUPPR         bool      R
    """,
        core=False,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "sample",
        "GR_PRELEVEMENT_{date}_{number}.csv.gz",
        r"""
        ID_PRELEV    id        R K
        ID_PARENT    id        >sample!
        ID_PATIENT   hash64    R >patient!
        ID_TUMEUR    id        >tumour?
        NATURE       code      R = TISSU_CONGELE | TISSU_FFPE | SANG | ADN | ARN | PLASMA | MOELLE
        ORIGINE      code      R = TUMORAL | SAIN | SANG
        TOPO_CIMO3   code      ~ ^C\d{2}(\.\d)?$
        DATE_PRELEV  date~
        TEMP_STOCK   code      = AMBIANTE | -20 | -80 | AZOTE
        QUANTITE     dec       0..
        UNITE        text
        CELLULARITE  int       0..100
        SPREC        text
        STATUT       code      = DISPONIBLE | EPUISE | RESERVE
        CONSENT_RECH bool
        DATE_MAJ     date      R
        TOP_SUPPR    bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "analysis",
        "GR_ANALYSE_{date}_{number}.csv.gz",
        r"""
        ID_ANALYSE       id        R K
        ID_PATIENT       hash64    R >patient!
        ID_PRELEV        id        R >sample!
        ID_PRELEV_NORMAL id        >sample?
        TYPE_ANALYSE     code      R = EXOME | PANEL
        CODE_PANEL       id        R
        GENOME           code      R = GRCh37 | GRCh38
        PIPELINE         text
        DATE_ANALYSE     date
        DATE_MAJ         date      R
        TOP_SUPPR        bool      R
    """,
        encoding="cp1252",
        delimiter=";",
    ),
    Feed(
        "panel",
        "GR_PANEL_{date}_{number}.csv.gz",
        r"""
        CODE_PANEL id        R K
        VERSION    text
        GENE       text      R K
    """,
        encoding="cp1252",
        delimiter=";",
        replaces="all",
    ),
    Feed(
        "variant",
        "GR_VARIANT_{date}_{number}.maf.gz",
        MAF
        + r"""
        Tumor_Sample_Barcode id R
        ID_ANALYSE id R K >analysis!
    """,
        format="maf",
        replaces="parent",
    ),
    Feed(
        "stay",
        "940000664.{year}.{month}.rss.txt.gz",
        r"""
        FINESS         code      R
        VERSION        code      R
        N_RSS          id
        NADL           id        R K >stay_link!
        N_RUM          id        R K
        DATE_NAISSANCE date      birth
        SEXE           code
        UM             code
        LIT_DEDIE      code
        DATE_ENTREE    date      R
        MODE_ENTREE    code
        PROVENANCE     code
        DATE_SORTIE    date      R
        MODE_SORTIE    code
        DESTINATION    code
        CODE_POSTAL    code
        POIDS_NN       int
        AGE_GEST       int
        DDR            date
        NB_SEANCES     int
        NB_DAS         int       R
        NB_DAD         int       R
        NB_ACTES       int       R
        DP             code      R
        DR             code
        IGS2           int
        FILLER         text
    """,
        core=False,
        encoding="cp1252",
        format="fixed",
        replaces="year",
        versions=("022",),
    ),
    Feed(
        "stay_link",
        "GR_LIEN_SEJOUR_{date}_{number}.csv.gz",
        r"""
        NADL       id        R K
        ID_PATIENT hash64    R >patient!
    """,
        core=False,
        encoding="cp1252",
        delimiter=";",
        replaces="nothing",
    ),
)

HOSPITAL = Hospital(
    center="gr",
    name="Gustave Roussy",
    finess="940000664",
    center_type="CLCC",
    mode="increment",
    model="gr-csv",
    feeds=FEEDS,
    codes=CODES,
    nulls={
        "NR": "not_collected",
        ".": "not_collected",
        "-": "not_collected",
        "NSP": "unknown",
        "?": "unknown",
        "NA": "not_applicable",
        "ND": "not_done",
    },
    null_dates=("01/01/1900", "31/12/9999"),
    version_column="DATE_MAJ",
    deleted_when=("TOP_SUPPR", "O"),
    date_format="%d/%m/%Y",
    decimal_comma=True,
    true_values=("O",),
    false_values=("N",),
    # C50,9 for C50.9
    repairs=((r"^([A-Z][0-9]{2}),([0-9]{1,2})$", "${1}.${2}"),),
)
