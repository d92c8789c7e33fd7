// SPDX-License-Identifier: Apache-2.0
/// Pings through many tunnels at once, each from or to an inner address of its own.
///
///   sweep out|in SERVER CLIENTS CLIENT... : see usage()
///
/// `out` runs on the clients' machine: echo requests from each client's inner address to the server's. `in` runs on the server's machine, the other way.
/// Client i (from 1) has the inner address 172.20.X.Y with X = 1 + (i - 1) / 250, Y = 1 + (i - 1) % 250. Client i starts i * gap after the first, and
/// repeats every interval until it is answered or has tried often enough.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most_clients = 10000, most_tries = 256 };

static double sent_at[most_clients + 1][most_tries];
static int tries[most_clients + 1];
static int answered_try[most_clients + 1];   // 0: not yet; n: the n-th request was the first one answered
static double answered_at[most_clients + 1];
static int replies[most_clients + 1];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t inner(int client) {   // host order
    const int i = client - 1;
    return (172u << 24) | (20u << 16) | ((uint32_t)(1 + i / 250) << 8) | (uint32_t)(1 + i % 250);
}

static int client_of(uint32_t address) {
    if (address >> 16 != ((172u << 8) | 20u)) return 0;
    return (int)(((address >> 8) & 255) - 1) * 250 + (int)(address & 255);
}

static uint16_t checksum(const uint8_t* p, size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i += 2) sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void ping(int fd, uint16_t id, uint32_t from, uint32_t to, int number) {
    uint8_t message[64] = {ICMP_ECHO, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(number >> 8), (uint8_t)number};
    const uint16_t sum = checksum(message, sizeof message);
    message[2] = (uint8_t)(sum >> 8);
    message[3] = (uint8_t)sum;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(to)};
    struct iovec part = {message, sizeof message};
    char space[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
    struct msghdr m = {&peer, sizeof peer, &part, 1, space, sizeof space, 0};
    struct cmsghdr* c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(from)};
    memcpy(CMSG_DATA(c), &info, sizeof info);
    sendmsg(fd, &m, 0);   // a tunnel that is not there refuses: the same as no answer
}

static void receive(int fd, uint16_t id, int out, double start) {
    uint8_t p[2048];
    for (;;) {
        const ssize_t n = recv(fd, p, sizeof p, MSG_DONTWAIT);
        if (n < 28) {
            if (n < 0) return;
            continue;
        }
        const size_t header = (size_t)(p[0] & 15) * 4;
        if ((size_t)n < header + 8 || p[header] != ICMP_ECHOREPLY || (p[header + 4] << 8 | p[header + 5]) != id) continue;
        const uint8_t* a = p + (out ? 16 : 12);
        const int client = client_of((uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3]);
        const int number = p[header + 6] << 8 | p[header + 7];
        if (client < 1 || client > most_clients || number < 1 || number > tries[client]) continue;
        ++replies[client];
        if (answered_try[client] == 0) {
            answered_try[client] = number;
            answered_at[client] = now() - start;
        }
    }
}

static int usage(void) {
    fputs("sweep out|in SERVER CLIENTS GAP_US TRIES INTERVAL_MS\n"
          "prints: CLIENT TRIES ANSWERED-TRY (0: none) REPLIES MS-FROM-THE-FIRST-REQUEST-TO-THE-ANSWER\n", stderr);
    return 2;
}

int main(int argc, char** argv) {
    if (argc != 7) return usage();
    const int out = strcmp(argv[1], "out") == 0;
    const uint32_t server = ntohl(inet_addr(argv[2]));
    const int clients = atoi(argv[3]), most = atoi(argv[5]);
    const double gap = atof(argv[4]) / 1e6, interval = atof(argv[6]) / 1e3;
    if (clients < 1 || clients > most_clients || most < 1 || most >= most_tries) return usage();
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0) return perror("socket"), 1;
    const int room = 16 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    const uint16_t id = (uint16_t)getpid();
    const double start = now();
    for (;;) {
        const double t = now() - start;
        double next = 1e9;
        int busy = 0;
        for (int i = 1; i <= clients; ++i) {
            if (answered_try[i] != 0) continue;
            const double due = tries[i] == 0 ? (i - 1) * gap : sent_at[i][tries[i] - 1] + interval;
            if (due > t) {
                if (due < next) next = due;
                busy = 1;
            } else if (tries[i] < most) {
                sent_at[i][tries[i]++] = now() - start;
                if (out) ping(fd, id, inner(i), server, tries[i]);
                else ping(fd, id, server, inner(i), tries[i]);
                receive(fd, id, out, start);
                busy = 1;
                next = t;
            }
        }
        if (!busy) break;
        const double wait = next - (now() - start);
        struct pollfd p = {fd, POLLIN, 0};
        poll(&p, 1, wait <= 0 ? 0 : wait > 0.1 ? 100 : (int)(wait * 1e3) + 1);
        receive(fd, id, out, start);
    }
    for (int i = 1; i <= clients; ++i)
        printf("%d %d %d %d %.0f\n", i, tries[i], answered_try[i], replies[i], answered_try[i] ? (answered_at[i] - sent_at[i][0]) * 1e3 : 0.0);
    return 0;
}
