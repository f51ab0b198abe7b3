// A line with delay: passes Ethernet frames between two interfaces of one network namespace, each way in order.
// wan IF0 IF1 BASE_US JITTER_US LOSS_PER_MILLE [KBIT_PER_S]
// Stands in for `tc netem`, which not every kernel has. Built and started by lab.py only.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 16384
#define LONGEST 2048

struct frame {
    uint64_t due;
    int length;
    unsigned char bytes[LONGEST];
};
struct way {
    struct frame *ring;
    unsigned head, tail;
    uint64_t last, free_at;
    double drift;
};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static int open_on(const char *name) {
    int s = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(name)};
    int one = 1, room = 32 << 20;
    struct packet_mreq m = {.mr_ifindex = a.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (s < 0 || !a.sll_ifindex || bind(s, (struct sockaddr *)&a, sizeof a)) {
        perror(name);
        exit(1);
    }
    setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m);
    setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return s;
}

int main(int n, char **v) {
    if (n < 6) return 2;
    prctl(PR_SET_TIMERSLACK, 1000UL);
    int s[2] = {open_on(v[1]), open_on(v[2])};
    double base = atof(v[3]) * 1000, jitter = atof(v[4]) * 1000, loss = atof(v[5]) / 1000;
    double per_byte = n > 6 && atof(v[6]) > 0 ? 8e6 / atof(v[6]) : 0;
    struct way w[2] = {0};
    for (int i = 0; i < 2; i++) w[i].ring = malloc(sizeof(struct frame) * SLOTS);
    srand48(getpid());
    for (;;) {
        uint64_t t = now(), next = t + 1000000000u;
        for (int i = 0; i < 2; i++) {
            struct way *q = &w[i];
            while (q->head - q->tail < SLOTS) {
                struct frame *f = &q->ring[q->head % SLOTS];
                int got = recv(s[i], f->bytes, LONGEST, 0);
                if (got <= 0) break;
                if (drand48() < loss) continue;
                t = now();
                q->drift = 0.9 * q->drift + 0.1 * drand48();
                uint64_t due = t + (uint64_t)(base + jitter * (0.5 * q->drift + 0.5 * drand48() * drand48()));
                if (per_byte > 0) {
                    uint64_t start = q->free_at > t ? q->free_at : t;
                    if (start - t > 200000000u) continue; // a queue of 200 ms, then drops
                    q->free_at = start + (uint64_t)(per_byte * got);
                    due += q->free_at - t;
                }
                if (due < q->last) due = q->last;
                q->last = f->due = due;
                f->length = got;
                q->head++;
            }
            t = now();
            while (q->tail != q->head && q->ring[q->tail % SLOTS].due <= t) {
                struct frame *f = &q->ring[q->tail % SLOTS];
                if (send(s[1 - i], f->bytes, f->length, 0) < 0 && errno == EAGAIN) break;
                q->tail++;
            }
            if (q->tail != q->head && q->ring[q->tail % SLOTS].due < next) next = q->ring[q->tail % SLOTS].due;
        }
        t = now();
        struct timespec wait = {0, next > t ? (next - t) % 1000000000u : 0};
        if (next >= t + 1000000000u) wait = (struct timespec){1, 0};
        struct pollfd p[2] = {{s[0], POLLIN, 0}, {s[1], POLLIN, 0}};
        ppoll(p, 2, &wait, NULL);
    }
}
