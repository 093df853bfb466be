#include "remediations/machine/local/https.hpp"

namespace machine::local {

std::string HttpsResponse::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
}

}  // namespace machine::local
