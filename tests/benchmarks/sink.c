/* An SMTP server that accepts everything and keeps every octet that it receives.
 *
 *     sink FOLDER CAPACITY [CERTIFICATE KEY]
 *
 * It offers PIPELINING, SIZE, 8BITMIME and CHUNKING, listens on a free loopback port and prints it. With a certificate
 * it speaks TLS from the first byte. Each connection's octets go straight from the socket into a file of its own in
 * FOLDER, mapped into memory: eight octets that say how many there are, then the octets. Whoever reads the file may set
 * that number to zero while the connection is idle, and the next octets begin there again. Nothing is copied or decoded
 * here, so that the sink stays out of the way of what is measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#define AT_ONCE 262144
#define REPLIES 65536

static const char *folder;
static size_t capacity;
static SSL_CTX *context;

struct session {
    int socket;
    SSL *tls;
    uint64_t *used; /* how many octets of the file count */
    char *octets;
    size_t done;    /* how many of them were looked at */
    size_t chunk;   /* how many octets of a BDAT are to come */
    int in_content; /* after DATA */
    char replies[REPLIES];
    size_t replied;
};

static void *map_file(int number) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d", folder, number);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0 || ftruncate(file, capacity)) {
        perror(path);
        exit(1);
    }
    void *mapped = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    close(file);
    return mapped;
}

static void send_replies(struct session *s) {
    for (size_t sent = 0; sent < s->replied;) {
        ssize_t count = s->tls ? SSL_write(s->tls, s->replies + sent, s->replied - sent)
                               : send(s->socket, s->replies + sent, s->replied - sent, MSG_NOSIGNAL);
        if (count <= 0)
            break;
        sent += count;
    }
    s->replied = 0;
}

static void reply(struct session *s, const char *text) {
    size_t length = strlen(text);
    if (s->replied + length > REPLIES)
        send_replies(s);
    memcpy(s->replies + s->replied, text, length);
    s->replied += length;
}

static int is(const char *line, const char *verb) { return !strncasecmp(line, verb, strlen(verb)); }

/* Answer one command line; returns 0 after QUIT. */
static int command(struct session *s, const char *line) {
    if (is(line, "MAIL") || is(line, "RCPT") || is(line, "RSET") || is(line, "NOOP"))
        reply(s, "250 2.0.0 Ok\r\n");
    else if (is(line, "DATA")) {
        s->in_content = 1;
        reply(s, "354 End data with <CR><LF>.<CR><LF>\r\n");
    } else if (is(line, "BDAT")) {
        s->chunk = strtoull(line + 4, NULL, 10);
        if (!s->chunk)
            reply(s, "250 2.0.0 Ok\r\n");
    } else if (is(line, "EHLO"))
        reply(s, "250-sink\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
                 "250 CHUNKING\r\n");
    else if (is(line, "HELO"))
        reply(s, "250 sink\r\n");
    else if (is(line, "QUIT")) {
        reply(s, "221 2.0.0 Bye\r\n");
        return 0;
    } else
        reply(s, "502 5.5.1 Unknown command\r\n");
    return 1;
}

/* Look at what arrived; returns 0 after QUIT. */
static int look(struct session *s) {
    while (s->done < *s->used) {
        char *start = s->octets + s->done;
        size_t left = *s->used - s->done;
        if (s->chunk) {
            size_t taken = left < s->chunk ? left : s->chunk;
            s->done += taken;
            s->chunk -= taken;
            if (!s->chunk)
                reply(s, "250 2.0.0 Ok: queued\r\n");
        } else if (s->in_content) {
            /* The line ending before the dot was looked at already, as may be a part of the end itself. */
            char *from = start - 2;
            char *end = memmem(from, left + 2, "\r\n.\r\n", 5);
            if (!end) {
                if (left > 4)
                    s->done += left - 4;
                return 1;
            }
            s->done = end + 5 - s->octets;
            s->in_content = 0;
            reply(s, "250 2.0.0 Ok: queued\r\n");
        } else {
            char *end = memchr(start, '\n', left);
            if (!end)
                return 1;
            s->done = end + 1 - s->octets;
            if (!command(s, start))
                return 0;
        }
    }
    return 1;
}

static ssize_t receive(struct session *s) {
    if (!s->tls || !SSL_pending(s->tls)) {
        struct pollfd waiting = {.fd = s->socket, .events = POLLIN};
        poll(&waiting, 1, -1);
    }
    /* Only now, since the reader may have set the number to zero while nothing came. */
    if (*s->used < s->done)
        s->done = *s->used;
    char *to = s->octets + *s->used;
    size_t room = capacity - sizeof *s->used - *s->used;
    if (room < AT_ONCE) {
        fprintf(stderr, "sink: a connection sent more than %zu octets\n", capacity);
        return -1;
    }
    return s->tls ? SSL_read(s->tls, to, AT_ONCE) : recv(s->socket, to, AT_ONCE, 0);
}

static void *serve(void *argument) {
    struct session *s = argument;
    int one = 1;
    setsockopt(s->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (context) {
        s->tls = SSL_new(context);
        SSL_set_fd(s->tls, s->socket);
        if (SSL_accept(s->tls) != 1) {
            ERR_print_errors_fp(stderr);
            goto over;
        }
    }
    reply(s, "220 sink ESMTP\r\n");
    send_replies(s);
    for (;;) {
        ssize_t count = receive(s);
        if (count <= 0)
            break;
        *s->used += count;
        int more = look(s);
        send_replies(s);
        if (!more)
            break;
    }
over:
    if (s->tls)
        SSL_free(s->tls);
    close(s->socket);
    munmap(s->used, capacity);
    free(s);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3 && count != 5) {
        fprintf(stderr, "usage: sink FOLDER CAPACITY [CERTIFICATE KEY]\n");
        return 64;
    }
    folder = arguments[1];
    capacity = strtoull(arguments[2], NULL, 10);
    signal(SIGPIPE, SIG_IGN);
    if (count == 5) {
        context = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(context, arguments[3]) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, arguments[4], SSL_FILETYPE_PEM) != 1) {
            ERR_print_errors_fp(stderr);
            return 1;
        }
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&address, &length)) {
        perror("listen");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int number = 0;; number++) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        struct session *s = calloc(1, sizeof *s);
        s->socket = client;
        s->used = map_file(number);
        s->octets = (char *)(s->used + 1);
        pthread_t thread;
        pthread_create(&thread, NULL, serve, s);
        pthread_detach(thread);
    }
}
