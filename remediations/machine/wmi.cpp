#include "remediations/machine/wmi.hpp"

namespace machine {

Result<std::vector<WmiObject>> Wmi::query(const std::string& name_space, const std::string&) const {
    return Error{ErrorKind::unsupported, "this system has no WMI namespace " + name_space, 0};
}

}  // namespace machine
