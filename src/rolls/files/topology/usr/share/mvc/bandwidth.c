/* Bandwidth between each two ranks, one pair after the other, each in both directions for a time:
 *   bandwidth SECONDS
 * Rank 0 prints `from to bytes-per-second` for each, with the names of the nodes. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK (64 * 1024)

static char chunk[CHUNK];

/* Sends for a time. The first byte of the last chunk says so. */
static void pour(int to, double seconds)
{
    double start = MPI_Wtime();

    do {
        chunk[0] = MPI_Wtime() - start >= seconds;
        MPI_Send(chunk, CHUNK, MPI_BYTE, to, 0, MPI_COMM_WORLD);
    } while (!chunk[0]);
}

/* Bytes per second since the first chunk, which may have waited for the other end. */
static double drain(int from)
{
    double start = 0, bytes = 0;

    for (;;) {
        MPI_Recv(chunk, CHUNK, MPI_BYTE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (!start)
            start = MPI_Wtime();
        else
            bytes += CHUNK;
        if (chunk[0])
            return bytes / (MPI_Wtime() - start + 1e-9);
    }
}

int main(int argc, char **argv)
{
    int rank, size, length, from, to;
    double seconds = argc > 1 ? atof(argv[1]) : 1, rate;
    char node[MPI_MAX_PROCESSOR_NAME] = "", *names;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Get_processor_name(node, &length);
    names = malloc((size_t)size * MPI_MAX_PROCESSOR_NAME);
    MPI_Gather(node, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, names, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, 0,
               MPI_COMM_WORLD);
    for (from = 0; from < size; from++) {
        for (to = 0; to < size; to++) {
            if (from == to)
                continue;
            rate = 0;
            MPI_Barrier(MPI_COMM_WORLD);
            if (rank == from)
                pour(to, seconds);
            if (rank == to) {
                rate = drain(from);
                if (to != 0)
                    MPI_Send(&rate, 1, MPI_DOUBLE, 0, 1, MPI_COMM_WORLD);
            }
            if (rank == 0 && to != 0)
                MPI_Recv(&rate, 1, MPI_DOUBLE, to, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            if (rank == 0)
                printf("%s %s %.0f\n", names + from * MPI_MAX_PROCESSOR_NAME,
                       names + to * MPI_MAX_PROCESSOR_NAME, rate);
        }
    }
    MPI_Finalize();
    return 0;
}
