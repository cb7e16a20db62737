/* Every size, depth and count that comes from outside is bounded here, with the reason beside it. */
#ifndef ASSAY_BASE_LIMITS_H
#define ASSAY_BASE_LIMITS_H

enum {
    LIMIT_JSON_DEPTH = 256,             /* policy.md 2.4: JSON given to policy functions may nest this deep */
    LIMIT_JSON_TEXT = 16 * 1024 * 1024, /* the same clause */
    LIMIT_JSON_NODES = 1024 * 1024,     /* a tree node costs more than its text; bounds memory before the arena does */
    LIMIT_BODY =
        2 * 1024 * 1024, /* an attest request: two logs of Windows, 300 KB each and thrice in base64, have 1.4 MB */
    LIMIT_REQUEST_MEMORY = 64 * 1024 * 1024, /* one appraisal in a verifier */
    LIMIT_CHAIN = 6,                         /* certificates in a chain from outside (DESIGN 5) */
    LIMIT_CERTIFICATE =
        48 * 1024, /* DER; real ones are below 3 KiB, MAA's own with a quote inside 6 KiB; a service's with a report
                                      of SEV-SNP inside 12 KiB, and 34 KiB where a container's utility VM is endorsed in it too */
    LIMIT_CRL = 1024 * 1024, /* DER; the largest Intel CRL holds 129 entries, 5 KiB */
    LIMIT_CRL_ENTRIES = 16 * 1024,
    LIMIT_COLLATERAL = 256 * 1024,      /* one TCB info or identity; the largest real one has 30 KiB */
    LIMIT_TCB_LEVELS = 256,             /* levels in one TCB info; real ones have up to 25 */
    LIMIT_ADVISORIES = 64,              /* advisory ids of one level */
    LIMIT_MODULE_IDENTITIES = 32,       /* TDX module identities in one TCB info */
    LIMIT_EVALUATION = 999999,          /* the highest evaluation number; real ones have two digits */
    LIMIT_EVALUATION_NUMBERS = 64,      /* in Intel's list of them; real ones name some five */
    LIMIT_QUOTE = 64 * 1024,            /* quotes are below 9 KiB; vendors pad to 8000 bytes */
    LIMIT_EVENT_LOG = 16 * 1024 * 1024, /* tpm-vbs.md 3.1; GRUB's reach 60 KB, those of Windows 300 KB */
    LIMIT_EVENT = 1024 * 1024,          /* the data of one event; the same clause */
    /* Of a guest's own machine, which an agent reads. */
    LIMIT_TSM_TEXT = 256,                /* an attribute of configfs-tsm that is text: a name, a number */
    LIMIT_CERTIFICATE_TABLE = 16 * 1024, /* snp-cvm.md 5.2: four pages are the most that the driver takes */
    LIMIT_CERTIFICATE_ENTRIES = 64,      /* of such a table; hosts write three to five */
    LIMIT_METADATA_ANSWER = 64 * 1024,   /* of a cloud's metadata service: certificates, or a quote */
    LIMIT_IMA_ENTRIES = 256 * 1024,      /* in one list; a server of a year's uptime has some 50,000 */
    LIMIT_EVENTS = 64 * 1024,            /* in one log; the longest of the corpus has some 200 */
    LIMIT_WBCL_DEPTH = 8,                /* tpm-vbs.md 3.7: containers in containers; Windows nests three */
    LIMIT_WBCL_KINDS = 256,             /* different events in one container: compared with each other; 110 are known */
    LIMIT_OE_ENDORSEMENTS = 200 * 1024, /* sgx-tdx.md 9.5 */
    LIMIT_RUNTIME_DATA = 256 * 1024,    /* echoed into the token as x-ms-runtime or x-ms-sgx-ehd */
    LIMIT_NONCE = 1024,                 /* echoed into the token */
    LIMIT_POLICY_TEXT = 1024 * 1024,    /* policy.md 2.4, as are the next five */
    LIMIT_POLICY_TOKENS = 64 * 1024,
    LIMIT_POLICY_RULES = 4 * 1024,
    LIMIT_POLICY_CONDITIONS = 64,
    LIMIT_POLICY_NESTING = 64,
    LIMIT_POLICY_WARNINGS = 100,          /* of one text; a person reads them, and each costs a walk over its rule */
    LIMIT_POLICY_TEST_TEXT = 1024 * 1024, /* a file of cases for policies, which a person writes */
    LIMIT_POLICY_TEST_CASES = 4096,
    LIMIT_VALIDITY_MINUTES = 525600, /* policy.md 5.5: a year */
    LIMIT_JMESPATH_TEXT = 64 * 1024,
    LIMIT_JMESPATH_NESTING = 128,
    LIMIT_JMESPATH_DEPTH = 1024, /* a.b.c…: each step is one level of a search's recursion, 200 bytes of stack */
    LIMIT_CLAIMS = 64 * 1024,
    LIMIT_POLICY_STEPS = 4 * 1024 * 1024, /* property comparisons in one evaluation */
    LIMIT_POLICY_STEP_BYTES = 8,     /* of text made or compared for one step: no more than 32 MiB in one evaluation */
    LIMIT_POLICY_SEARCH_STEPS = 8,   /* for one step of a JMESPath search, which may make 112 bytes of tree */
    LIMIT_TRACE_LISTED = 16,         /* claims listed for one condition, values of one set, claims made by one rule */
    LIMIT_TRACE_ITEMS = 16 * 1024,   /* listed in one trace in all: as JSON about 700 bytes each, 11 MiB */
    LIMIT_TRACE_LOOKS = 1024 * 1024, /* comparisons for nearest misses in one trace: a quarter of an evaluation */
    LIMIT_TRACE_TEXT = 256,          /* bytes of one text that a trace shows */
    LIMIT_POLICY_JSON_NODES =
        128 * 1024,                /* of JSON read in one evaluation: 14 MiB of tree; a long event log has 50 Ki */
    LIMIT_SIGNERS = 64,            /* registered policy management certificates of one provider; listed in one answer */
    LIMIT_JOSE_HEADER = 64 * 1024, /* holds an x5c chain */
    LIMIT_TOKEN = 1024 * 1024,     /* a token with the largest runtime data, in base64url */
    LIMIT_BEARER =
        32 * 1024, /* a bearer token, or the header with it; one of Entra ID that names 200 groups has 12 KiB */
    LIMIT_JWKS = 256 * 1024, /* keys of an issuer of bearer tokens, or its metadata; the largest seen has 21 KiB */
    LIMIT_JWKS_NODES =
        16 * 1024,             /* values in one of these; a node costs more than its text, and issuers are strangers */
    LIMIT_ISSUER_KEYS = 64,    /* in one such key set; issuers list two to ten */
    LIMIT_CALLER_NAMES = 1024, /* groups, or application roles, that one bearer token names; Entra ID stops at 200 */
    LIMIT_CALLER_TEXT = 512,   /* bytes of an issuer, subject or name of a caller, which audit records repeat */
    LIMIT_BEARER_DEPTH = 16,   /* of the JSON in a bearer token */
    LIMIT_TOOL_FILE = 16 * 1024 * 1024, /* any one file given to a tool; event logs of servers reach a few MiB */
    LIMIT_TOOL_FILES = 4096,            /* in a folder of endorsements; a mirror of all of Intel's has some hundreds */
    /* The folder of endorsements, and bundles made of it. */
    LIMIT_FOLDER_FILES = 16 * 1024,          /* Intel's of all platforms are some hundreds; the rest are VCEKs */
    LIMIT_FOLDER_BYTES = 256 * 1024 * 1024,  /* all of them together */
    LIMIT_BUNDLE = 64 * 1024 * 1024,         /* 10,000 VCEKs, and Intel's of all platforms, are a third of this */
    LIMIT_BUNDLE_MANIFEST = 8 * 1024 * 1024, /* LIMIT_FOLDER_FILES objects of some 300 characters in base64url */
    LIMIT_TOOL_MEMORY = 1024 * 1024 * 1024,  /* of one run of a tool */
    LIMIT_DIFF_CELLS = 16 * 1024 * 1024,     /* of a comparison of two texts: 64 MiB, 4000 lines against 4000 */
    LIMIT_HTTP_FIELDS = 100,                 /* lines in the header of a request; clients send about ten */
    LIMIT_KEY_FILE = 64 * 1024,              /* a private key in PEM; RSA of 4096 bits has 3 KiB */
    /* The control plane. Counts and lengths of tags are those of Azure Resource Manager. */
    LIMIT_ARM_SUBSCRIPTION = 64, /* a UUID has 36 */
    LIMIT_ARM_GROUP = 90,        /* api.md 7 */
    LIMIT_ARM_CONNECTION = 128,  /* the endpoint's name of up to 80, a dot, a UUID */
    LIMIT_ARM_TAGS = 50,
    LIMIT_ARM_TAG_NAME = 512,         /* characters */
    LIMIT_ARM_TAG_VALUE = 256,        /* characters */
    LIMIT_ARM_TEXT = 1024,            /* bytes of a description, of an endpoint's id, of a caller's name */
    LIMIT_ARM_CONNECTIONS = 64,       /* private endpoint connections of one provider */
    LIMIT_ARM_RECORD = 64 * 1024,     /* one provider as it is stored; every node holds all of them in memory */
    LIMIT_ARM_JSON_DEPTH = 16,        /* the deepest body that is asked for has 5 */
    LIMIT_ARM_JSON_NODES = 16 * 1024, /* 64 certificates and 50 tags need a tenth of this */
    LIMIT_ARM_PROVIDERS = 1000,       /* of one subscription, unless set: each has a key, and is held by every node */
    LIMIT_ARM_LIST = 4 * 1024 * 1024, /* a list is one answer without pages (api.md 7): some 8,000 providers */
    /* The store. */
    LIMIT_STORE_FIELD = 64 * 1024 * 1024, /* of one record; what is uploaded is bounded long before */
    LIMIT_STORE_CONNECT_SECONDS = 60,     /* for each host of a PostgreSQL url */
    LIMIT_STORE_POLL_LEAST = 100,         /* milliseconds between two questions to a store about changes */
    LIMIT_STORE_POLL_MOST = 600000,
    /* The audit log. */
    LIMIT_LOG_LINE = 64 * 1024,              /* one record; what callers send is cut, so real ones are below 16 KiB */
    LIMIT_LOG_LINE_MEMORY = 4 * 1024 * 1024, /* to judge one */
    LIMIT_LOG_DEPTH = 8,                     /* of its JSON; a record has 4 */
    LIMIT_LOG_NODES = 1024,                  /* values in it; a record has some 40 */
    LIMIT_LOG_TAIL = 1024 * 1024, /* searched for the last whole record at a start: torn ones behind it are short */
    LIMIT_AUDIT_TEXT = 1024,      /* bytes of a path, or of a name in it, that a record repeats */
    LIMIT_AUDIT_AGENT = 256,      /* bytes of User-Agent that it repeats */
    /* COSE. */
    LIMIT_COSE = 64 * 1024,   /* one message; endorsements of utility VMs have 12 KiB with chain and time stamp */
    LIMIT_CBOR_DEPTH = 16,    /* those nest to 4; each level is one of recursion */
    LIMIT_CBOR_VALUES = 4096, /* in one text; those have some 40 */
    LIMIT_CBOR_PAIRS = 64,    /* in one map: its keys are compared with each other */
    /* Reference values. */
    LIMIT_TPM_AUTHORITIES = 1024, /* at hand: Microsoft's service has one authority for each model of TPM and region */
    LIMIT_AMD_AUTHORITIES = 64,   /* at hand beside the built-in ones: of test roots, and what AMD issues anew */
    LIMIT_REFERENCE_ENTRIES = 4096, /* in one list; a large operator's broken or stolen machines, not all it has */
    LIMIT_UVM_ROOTS = 64,           /* two are known */
    LIMIT_UVM_ENDORSEMENTS = 4,     /* in one request; clients send one */
    LIMIT_UVM_CLAIMS = 256,         /* JSON values in one; they have 4 */
    LIMIT_UVM_TEXT = 512,           /* bytes of an issuer or feed; a did:x509 with two policies has some 200 */
    LIMIT_GUEST_TEXT = 256,         /* bytes of the name of a guest's system, which its token repeats */
    /* Requests of the protocol of TPMs. */
    LIMIT_CERTIFICATION = 8 * 1024, /* a public area, TPMS_ATTEST or signature of a key's certification; below 1 KiB */
    LIMIT_JWK = 16 * 1024,          /* one key, echoed into the token */
    LIMIT_VBS_REPORT = 64 * 1024,   /* an enclave's: 500 bytes, and about 200 for each module in it */
    LIMIT_VBS_MODULES = 256,        /* in one enclave; they have three or four */
    LIMIT_CUSTOM_CLAIMS = 64,
    LIMIT_CUSTOM_NAME = 256,
    /* Sources of endorsements. */
    LIMIT_MEASUREMENTS = 1024,             /* records in one list: years of releases, on every kind of TEE */
    LIMIT_MEASUREMENTS_TEXT = 1024 * 1024, /* such a list, signed; a record has some 700 bytes */
    LIMIT_MEASUREMENT_DIGESTS = 16,        /* programs of one release */
    LIMIT_MEASUREMENT_TEXT = 128,          /* bytes of a component's name or version */
    LIMIT_TRUST_KEYS = 64,                 /* in one key set of a service; five are the most that is recorded */

    LIMIT_UPSTREAM_URL = 1024, /* of a source of endorsements, without what is put behind */
    LIMIT_THIM_NODES = 64,     /* values in an answer of Azure's THIM, which has five */
    LIMIT_HTTP_ANSWER_HEADER =
        64 * 1024, /* of an answer to our own requests; a percent-encoded issuer chain has 5 KiB */
    LIMIT_HTTP_ANSWER = 4 * 1024 * 1024, /* an answer to our own requests; the largest JWKS of the corpus has 21 KiB */
};

#endif
