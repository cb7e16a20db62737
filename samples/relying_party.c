/* A relying party in C, over libassay: before tokens of a service are believed, is the service itself genuine? It is the same for services in SGX, in TDX
 * and in SEV-SNP: the certificate tells which, and the list of measurements says what may run in each.
 *
 *   cc relying_party.c $(pkg-config --cflags --libs assay) -o relying-party
 *   relying-party https://attest.example certs.json measurements.jws release.pem.pub token.jwt tcbinfo.json qeidentity.json root.crl pck.crl …
 *
 * certs.json is the answer of GET /certs; the files at the end are endorsements of the hardware (assay collateral fetch). SEV-SNP needs none: the
 * certificate of the chip comes with the report, and AMD's keys are built in. With RELYING_PARTY_TIME set to seconds since 1970 it judges at that time,
 * with RELYING_PARTY_ANCHOR to a file of 32 bytes it trusts that root too: for tests over simulated hardware. */
#include <assay/trust.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FILE_MOST = 1 << 20,
    REASON = 1024,
    ARG_SERVICE = 1,
    ARG_KEYS,
    ARG_LIST,
    ARG_RELEASE_KEY,
    ARG_TOKEN,
    ARG_ENDORSEMENTS
};

static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, FILE_MOST + 1);

    if (!f || !text) {
        perror(path);
        exit(1);
    }
    *size = fread(text, 1, FILE_MOST, f);
    fclose(f);
    return text;
}

static void add_endorsements(struct assay_trust *t, int argc, char **argv)
{
    const char *anchor = getenv("RELYING_PARTY_ANCHOR");
    size_t size;

    for (int i = ARG_ENDORSEMENTS; i < argc; i++) {
        char *text = read_file(argv[i], &size);

        if (assay_trust_add_endorsement(t, argv[i], text, size) != 0)
            fprintf(stderr, "%s: no endorsement\n", argv[i]);
        free(text);
    }
    if (anchor) {
        char *digest = read_file(anchor, &size);

        if (size == 32)
            assay_trust_add_anchor(t, (const uint8_t *)digest);
        free(digest);
    }
}

int main(int argc, char **argv)
{
    struct assay_trust *t = assay_trust_new();
    const char *at = getenv("RELYING_PARTY_TIME");
    char reason[REASON];
    size_t keys_size, list_size, release_key_size, token_size;

    if (argc < ARG_ENDORSEMENTS || !t) {
        fprintf(stderr, "usage: relying-party URL CERTS MEASUREMENTS RELEASE-KEY TOKEN [ENDORSEMENT]...\n");
        return 1;
    }
    char *keys = read_file(argv[ARG_KEYS], &keys_size), *list = read_file(argv[ARG_LIST], &list_size);
    char *release_key = read_file(argv[ARG_RELEASE_KEY], &release_key_size);
    char *token = read_file(argv[ARG_TOKEN], &token_size);

    token[strcspn(token, "\r\n")] = 0;
    add_endorsements(t, argc, argv);
    if (assay_trust_set_measurements(t, list, list_size, release_key, release_key_size) != 0) {
        fprintf(stderr, "%s: no public key\n", argv[ARG_RELEASE_KEY]);
        return 1;
    }
    enum assay_trust_verdict verdict = assay_trust_judge(t, argv[ARG_SERVICE], keys, keys_size, token,
                                                         at ? strtoll(at, NULL, 10) : (int64_t)time(NULL));
    assay_trust_reason(t, reason, sizeof reason);
    if (verdict == ASSAY_TRUST_ACCEPTED)
        printf("%s is genuine; the token may be believed\n", argv[ARG_SERVICE]);
    else
        fprintf(stderr, "refused: %s\n", reason);
    assay_trust_free(t);
    free(keys);
    free(list);
    free(release_key);
    free(token);
    return verdict == ASSAY_TRUST_ACCEPTED ? 0 : 2;
}
