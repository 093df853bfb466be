#include "remediations/machine/windows/privileges.hpp"

namespace machine::windows {

Privileges::Privileges(std::initializer_list<const wchar_t*> names) {
    KernelHandle token;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, token.receive())) {
        is_own_token_ = ImpersonateSelf(SecurityImpersonation);
    }
    if (!is_own_token_ || !OpenThreadToken(GetCurrentThread(), TOKEN_ADJUST_PRIVILEGES, TRUE, token.receive())) return;
    for (const auto* name : names) {
        TOKEN_PRIVILEGES privileges{};
        privileges.PrivilegeCount = 1;
        privileges.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
        if (LookupPrivilegeValueW(nullptr, name, &privileges.Privileges[0].Luid)) {
            AdjustTokenPrivileges(token.get(), FALSE, &privileges, 0, nullptr, nullptr);
        }
    }
}

Privileges::~Privileges() {
    if (is_own_token_) RevertToSelf();
}

}  // namespace machine::windows
