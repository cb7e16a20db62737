/* Policies at a service: what the members of `assay policy` that ask one share. */
#ifndef ASSAY_CLI_POLICY_REMOTE_H
#define ASSAY_CLI_POLICY_REMOTE_H

#include "cli/remote.h"
#include "crypto/x509.h"

enum {
    REMOTE_SHADOW = OPTION_BASE,
    REMOTE_CA,
    REMOTE_TOKEN_FILE,
    REMOTE_JWS,
    REMOTE_VERSION,
    REMOTE_LIMIT,
    REMOTE_BEFORE,
    REMOTE_SIGN_KEY,
    REMOTE_SIGN_CERT,
};
#define OPTIONS_REMOTE OPTION_CA(REMOTE_CA), OPTION_TOKEN_FILE(REMOTE_TOKEN_FILE)
#define OPTIONS_SIGN                                                                                             \
    {REMOTE_SIGN_KEY, "sign-key", "F", "PEM: sign with this private key (RSA, P-256 or P-384; no passphrase)"},  \
    {                                                                                                            \
        REMOTE_SIGN_CERT, "sign-cert", "F", "PEM or DER: the key's certificate, and those that issued it behind" \
    }

struct policy_call {
    struct remote remote;
    struct options options;
    int first;        /* operands before URL */
    const char *type; /* as the service spells it; NULL: the certificates (of history) */
    bool shadow;      /* the shadow policy instead of the one in force */
    bool jws;         /* print the JWS instead of its text */
    const char *version, *limit, *before, *sign_key, *sign_cert; /* NULL: not given */

    const struct json *keys; /* that the service lists; NULL: not yet asked */
    bool refused;            /* the service answered the last request with a refusal */
};

/* Reads the options; `least` to `most` operands there must be. c->first stays, the rest of c is set here. False: the command
 * ends with *status. */
bool policy_call_options(struct policy_call *c, struct cli *cli, int argc, char **argv, int least, int most,
                         enum status *status);
/* Reads the operands URL and TYPE, and the bearer token. False: misuse, which has been reported. */
bool policy_call_target(struct policy_call *c);
/* Both. */
bool policy_call_read(struct policy_call *c, struct cli *cli, int argc, char **argv, int least, int most,
                      enum status *status);
/* Operand i counted from URL on; NULL when there are fewer. */
const char *policy_call_operand(const struct policy_call *c, int i);

/* The functions below end the command with *status when they return false; what happened has been reported. */

/* Sends, and reads the body of a 200. */
bool policy_call_json(struct policy_call *c, const struct remote_request *request, const struct json **body,
                      enum status *status);
/* The same for what answers with a token: signed by a key that the service lists, issued by it, and in date. */
bool policy_call_token(struct policy_call *c, const struct remote_request *request, const struct json **payload,
                       enum status *status);
/* "/policies/TYPE", or the shadow's path, with `operation` behind the type. */
const char *policy_call_path(const struct policy_call *c, const char *operation);

/* A policy as a JWS holds it. */
struct policy_held {
    struct bytes jws;
    struct bytes text;                /* empty: the JWS removes a policy */
    const struct certificate *signer; /* NULL: not signed, or by a bare key */
    bool from_jws;                    /* of a file: that it held a JWS, not a text */
    bool is_signed;                   /* and the signature verifies under the certificate or key that it carries */
};
/* `what` names it in the report. Who may sign is the service's business. */
bool policy_held_read(const struct policy_call *c, const char *what, struct bytes jws, struct policy_held *out,
                      enum status *status);
/* The policy that the service holds now. Without `read` the JWS alone is filled in. */
bool policy_held_now(struct policy_call *c, bool read, struct policy_held *out, enum status *status);
/* "CN=…" of who signed; "nobody", where nobody did. */
struct bytes policy_held_signer(struct arena *a, const struct policy_held *held);
/* Hash and signer on standard error. */
void policy_held_describe(struct arena *a, const struct policy_held *held);
/* x-ms-policy-token-hash: base64url of the JWS's SHA-256. */
struct bytes policy_held_hash(struct arena *a, struct bytes jws);

/* A text of the service's: byte for byte into files and pipes, harmless on a terminal; of a diff, coloured there. */
void put_remote_text(struct bytes text, bool is_diff);
/* The unified diff from one text to another, each under its name; nothing when they are the same. Returns whether they differ. */
bool put_policy_diff(struct arena *a, struct bytes from_name, struct bytes from, struct bytes to_name, struct bytes to);

/* What the commands do once their operands are read. */
enum status policy_get_do(struct policy_call *c);
enum status policy_set_do(struct policy_call *c);   /* operand 2: the file */
enum status policy_reset_do(struct policy_call *c); /* operand 2: a file with a JWS, or NULL */

#endif
