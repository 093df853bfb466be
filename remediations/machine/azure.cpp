#include "remediations/machine/azure.hpp"

namespace machine {

namespace {

Error not_to_be_asked() {
    return {ErrorKind::unsupported, "Azure is not to be asked", 0};
}

}  // namespace

Result<AzureAccess> Azure::access() const {
    return not_to_be_asked();
}

Result<ArmAnswer> Azure::ask(const ArmQuestion&) const {
    return not_to_be_asked();
}

void Azure::look_anew() {}

Result<ArmAnswer> Azure::change(const ArmQuestion&) {
    return not_to_be_asked();
}

}  // namespace machine
