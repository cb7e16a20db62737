/* make_credential EK NAME SECRET: a credential for an endorsement key (TPM2B_PUBLIC) and a name, from files, to standard output: the
 * side of ours that a real TPM is asked to activate. */
#include <stdio.h>
#include <stdlib.h>

#include "evidence/parts/credential.h"

enum { MEMORY = 16 * 1024 * 1024, FILE_MOST = 64 * 1024 };

static struct bytes read_whole(struct arena *a, const char *path)
{
    uint8_t *p = arena_alloc(a, FILE_MOST);
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(p, 1, FILE_MOST, f) : 0;

    if (f)
        fclose(f);
    return bytes_make(p, n);
}

int main(int argc, char **argv)
{
    uint8_t random[CREDENTIAL_RANDOM];
    struct fault fault = {0};
    struct credential c;
    struct tpm_public ek;
    struct arena a;

    if (argc != 4 || !random_bytes(random, sizeof random))
        return EXIT_FAILURE;
    arena_init(&a, MEMORY);
    if (!tpm_public_read(&a, read_whole(&a, argv[1]), &ek, &fault) ||
        !credential_make(&a, &ek, read_whole(&a, argv[2]), read_whole(&a, argv[3]), random, &c, &fault)) {
        fprintf(stderr, "%s\n", fault.text);
        return EXIT_FAILURE;
    }
    struct bytes file = credential_write(&a, &c);
    fwrite(file.p, 1, file.n, stdout);
    arena_free(&a);
    return 0;
}
