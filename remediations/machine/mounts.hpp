#pragma once

#include <string>
#include <vector>

#include "remediations/machine/files.hpp"
#include "remediations/machine/result.hpp"

namespace machine {

struct Mount {
    std::string source;
    Path target;
    std::string type;
    std::vector<std::string> options;

    friend bool operator==(const Mount&, const Mount&) = default;
};

class Mounts {
public:
    virtual ~Mounts() = default;

    /// In mount order, as /proc/self/mountinfo shows them; volumes with their paths on Windows.
    virtual Result<std::vector<Mount>> list() const = 0;
};

}  // namespace machine
