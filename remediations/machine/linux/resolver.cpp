#include "remediations/machine/linux/resolver.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

namespace machine::local {

namespace {

using Clock = std::chrono::steady_clock;

struct DestroyChannel {
    void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, DestroyChannel>;

struct HostAnswer {
    bool arrived = false;
    int status = ARES_SUCCESS;
    std::vector<std::string> addresses;
};

Error resolver_error(const std::string& host, int status) {
    const auto kind = [&] {
        switch (status) {
            case ARES_ENOTFOUND:
            case ARES_ENODATA:
                return ErrorKind::not_found;
            case ARES_ETIMEOUT:
                return ErrorKind::timed_out;
            case ARES_ECONNREFUSED:
                return ErrorKind::unreachable;
            case ARES_EREFUSED:
                return ErrorKind::refused;
            case ARES_EBADNAME:
            case ARES_EBADRESP:
            case ARES_EFORMERR:
                return ErrorKind::invalid;
            default:
                return ErrorKind::failed;
        }
    }();
    return {kind, fmt::format("cannot resolve '{}': {}", host, ares_strerror(status)), status};
}

Result<Channel> open_channel(const std::string& host, std::chrono::milliseconds timeout, const std::string& servers) {
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    if (library != ARES_SUCCESS) {
        return resolver_error(host, library);
    }
    constexpr int tries = 3;
    ares_options options{};
    options.tries = tries;
    // c-ares doubles it with each try; a server that is silent must leave time for the next one.
    options.timeout = std::max(1, static_cast<int>(timeout.count() / 6));
    ares_channel channel = nullptr;
    if (const int status = ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
        status != ARES_SUCCESS) {
        return resolver_error(host, status);
    }
    Channel owner(channel);
    if (!servers.empty()) {
        if (const int status = ares_set_servers_ports_csv(channel, servers.c_str()); status != ARES_SUCCESS) {
            return resolver_error(host, status);
        }
    }
    return owner;
}

void take_answer(void* argument, int status, int, ares_addrinfo* found) {
    auto& answer = *static_cast<HostAnswer*>(argument);
    answer.arrived = true;
    answer.status = status;
    for (const ares_addrinfo_node* node = found != nullptr ? found->nodes : nullptr; node != nullptr;
         node = node->ai_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        const void* address =
            node->ai_family == AF_INET
                ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr)
                : &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr;
        ::inet_ntop(node->ai_family, address, text.data(), text.size());
        if (std::find(answer.addresses.begin(), answer.addresses.end(), text.data()) == answer.addresses.end()) {
            answer.addresses.emplace_back(text.data());
        }
    }
    ares_freeaddrinfo(found);
}

/// Lets c-ares work until the answer has arrived or the deadline passes.
void wait_for(const HostAnswer& answer, ares_channel channel, Clock::time_point deadline) {
    while (!answer.arrived) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) {
            return;
        }
        timeval longest{left / 1000, left % 1000 * 1000};
        timeval storage{};
        const timeval* next = ares_timeout(channel, &longest, &storage);

        std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
        const int wanted = ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
        std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
        nfds_t count = 0;
        for (unsigned i = 0; i < sockets.size(); ++i) {
            const bool read = ARES_GETSOCK_READABLE(wanted, i) != 0;
            const bool write = ARES_GETSOCK_WRITABLE(wanted, i) != 0;
            if (read || write) {
                polled.at(count++) = {sockets.at(i), static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)),
                                      0};
            }
        }
        ::poll(polled.data(), count, static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000 + 1));
        for (const pollfd& ready : polled) {
            const bool read = (ready.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
            const bool write = (ready.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
            if (read || write) {
                ares_process_fd(channel, read ? ready.fd : ARES_SOCKET_BAD, write ? ready.fd : ARES_SOCKET_BAD);
            }
        }
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // lets what timed out be tried again
    }
}

}  // namespace

Result<std::vector<std::string>> resolve_host(const std::string& host, std::chrono::milliseconds timeout,
                                              const std::string& servers) {
    const auto deadline = Clock::now() + timeout;
    if (host.empty() || host.find('\0') != std::string::npos) {
        return Error::invalid(fmt::format("'{}' is not a host name", host));
    }
    HostAnswer answer;  // outlives the channel, which calls back when it is destroyed
    auto channel = open_channel(host, timeout, servers);
    if (!channel) {
        return channel.error();
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    ares_getaddrinfo(channel->get(), host.c_str(), nullptr, &hints, take_answer, &answer);
    wait_for(answer, channel->get(), deadline);
    if (!answer.arrived) {
        return resolver_error(host, ARES_ETIMEOUT);
    }
    if (answer.status != ARES_SUCCESS) {
        return resolver_error(host, answer.status);
    }
    return answer.addresses;
}

}  // namespace machine::local
