#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace machine {

/// Why the machine could not be read or changed. A diagnosis turns these into State::unknown,
/// except not_found where absence itself is the answer.
enum class ErrorKind {
    not_found,      ///< the file, key, service or host does not exist
    access_denied,  ///< it exists, but this process may not see or change it
    timed_out,      ///< no answer before the deadline
    refused,        ///< the peer or the service manager answered with a refusal
    unreachable,    ///< no route to the peer
    invalid,        ///< the answer is there but is not what the format demands
    too_large,      ///< larger than the caller's limit
    not_captured,   ///< a recorded machine was never asked this when it was captured
    unsupported,    ///< this operating system has no such thing
    failed,         ///< anything else; the message has the system's own code
};

struct Error {
    ErrorKind kind = ErrorKind::failed;
    /// One line for a person; names the path, key or service, and what was expected.
    std::string message;
    /// errno or Win32 error, 0 where there is none.
    long code = 0;

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = boost::system::result<T, Error>;

/// Called by boost::system::result when value() is asked of an error.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::runtime_error(error.message);
}

}  // namespace machine
