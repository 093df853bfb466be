#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace machine {

/// The fields of a certificate that this program uses.
struct Certificate {
    std::string thumbprint;  ///< SHA-1 of its DER form, 40 hexadecimal digits in capitals
    std::chrono::system_clock::time_point not_before;
    std::chrono::system_clock::time_point not_after;

    friend bool operator==(const Certificate&, const Certificate&) = default;
};

/// Parses the first certificate in a PEM text. ErrorKind::invalid where there is none or it is damaged.
Result<Certificate> parse_certificate(std::string_view pem);

}  // namespace machine
