/* One rank at each of two nodes: latency of one byte, and bandwidth of messages of 1 MiB. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { size = 1048576 };

static char *buffer;

/* Seconds for a message and its answer of as many bytes, the mean of many. */
static double exchange(int rank, int bytes, int warmUps, int times)
{
  double began = 0;
  for (int turn = -warmUps; turn < times; turn++) {
    if (turn == 0) began = MPI_Wtime();
    if (rank == 0) MPI_Send(buffer, bytes, MPI_CHAR, 1, 0, MPI_COMM_WORLD);
    MPI_Recv(buffer, bytes, MPI_CHAR, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1) MPI_Send(buffer, bytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
  }
  return (MPI_Wtime() - began) / times;
}

int main(int argc, char **argv)
{
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  buffer = calloc(size, 1);
  double latency = exchange(rank, 1, 20, 200) / 2;
  double bandwidth = 8.0 * size / (exchange(rank, size, 2, 10) / 2);
  if (rank == 0) printf("{\"ms\": %.3f, \"mbit\": %.2f}\n", latency * 1e3, bandwidth / 1e6);
  MPI_Finalize();
  return 0;
}
