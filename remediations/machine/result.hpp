#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace machine {

/// The kinds of errors of reading or changing the machine. A diagnosis turns them into State::unknown, except not_found
/// where absence is the answer.
enum class ErrorKind {
    not_found,      ///< the file, key, service or host does not exist
    access_denied,  ///< it exists, but this process may not see or change it
    timed_out,      ///< no answer before the deadline
    refused,        ///< the peer or the service manager answered with a refusal
    unreachable,    ///< no route to the peer
    invalid,        ///< there is an answer, but not in the required format
    too_large,      ///< larger than the caller's limit
    not_captured,   ///< a recorded machine has no answer: nobody asked this when it was captured
    unsupported,    ///< does not exist on this operating system
    failed,         ///< anything else; the message has the system's own code
};

struct Error {
    ErrorKind kind = ErrorKind::failed;
    /// One line for a person. It names the path, key or service, and what was expected.
    std::string message;
    /// errno or Win32 error; 0 where there is none.
    long code = 0;

    /// Each creates an error of the kind with its name. `message` and `code` are as the members say.
    static Error not_found(std::string message, long code = 0) {
        return {ErrorKind::not_found, std::move(message), code};
    }
    static Error access_denied(std::string message, long code = 0) {
        return {ErrorKind::access_denied, std::move(message), code};
    }
    static Error timed_out(std::string message, long code = 0) {
        return {ErrorKind::timed_out, std::move(message), code};
    }
    static Error refused(std::string message, long code = 0) { return {ErrorKind::refused, std::move(message), code}; }
    static Error unreachable(std::string message, long code = 0) {
        return {ErrorKind::unreachable, std::move(message), code};
    }
    static Error invalid(std::string message, long code = 0) { return {ErrorKind::invalid, std::move(message), code}; }
    static Error too_large(std::string message, long code = 0) {
        return {ErrorKind::too_large, std::move(message), code};
    }
    static Error not_captured(std::string message, long code = 0) {
        return {ErrorKind::not_captured, std::move(message), code};
    }
    static Error unsupported(std::string message, long code = 0) {
        return {ErrorKind::unsupported, std::move(message), code};
    }
    static Error failed(std::string message, long code = 0) { return {ErrorKind::failed, std::move(message), code}; }

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = boost::system::result<T, Error>;

/// boost::system::result calls it when value() is called on an error.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::runtime_error(error.message);
}

}  // namespace machine
