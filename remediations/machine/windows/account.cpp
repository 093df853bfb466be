#include "remediations/machine/windows/account.hpp"

#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <sddl.h>

#include <vector>

namespace machine::windows {

namespace {

constexpr auto local_system_sid = "S-1-5-18";
constexpr auto virtual_accounts = L"NT SERVICE\\";

bool same_text(const std::wstring& left, const std::wstring& right) {
    return CompareStringOrdinal(left.c_str(), -1, right.c_str(), -1, TRUE) == CSTR_EQUAL;
}

bool is_local_system(const std::wstring& name) {
    return same_text(name, L"LocalSystem") || same_text(name, L".\\LocalSystem");
}

/// LookupAccountNameW does not know "." as the name of this computer.
std::wstring with_computer_name(const std::wstring& account) {
    if (!account.starts_with(L".\\")) return account;
    wchar_t computer[MAX_COMPUTERNAME_LENGTH + 1];
    DWORD length = MAX_COMPUTERNAME_LENGTH + 1;
    if (!GetComputerNameW(computer, &length)) return account;
    return std::wstring(computer, length) + account.substr(1);
}

}  // namespace

std::string account_sid(const std::wstring& configured) {
    if (is_local_system(configured)) return local_system_sid;

    const auto name = with_computer_name(configured);
    alignas(SID) std::uint8_t sid[SECURITY_MAX_SID_SIZE];
    DWORD sid_size = sizeof sid;
    wchar_t domain[256];
    DWORD domain_units = 256;
    SID_NAME_USE use{};
    if (!LookupAccountNameW(nullptr, name.c_str(), sid, &sid_size, domain, &domain_units, &use)) {
        return to_utf8(configured);
    }
    LocalPointer<wchar_t> text;
    return ConvertSidToStringSidW(sid, text.receive()) ? to_utf8(text.get()) : to_utf8(configured);
}

Result<ServiceAccount> service_account(const std::string& sid_or_text) {
    if (sid_or_text == local_system_sid) return ServiceAccount{L"LocalSystem", false};
    auto text = to_wide_name(sid_or_text);
    if (!text) return text.error();

    LocalPointer<void> sid;
    if (!sid_or_text.starts_with("S-1-") || !ConvertStringSidToSidW(text->c_str(), sid.receive())) {
        const bool is_virtual = same_text(text->substr(0, wcslen(virtual_accounts)), virtual_accounts);
        return ServiceAccount{*text, !is_virtual && !is_local_system(*text)};
    }
    wchar_t name[256];
    wchar_t domain[256];
    DWORD name_units = 256;
    DWORD domain_units = 256;
    SID_NAME_USE use{};
    if (!LookupAccountSidW(nullptr, sid.get(), name, &name_units, domain, &domain_units, &use)) {
        return last_error("find the account with the SID", sid_or_text);
    }
    return ServiceAccount{std::wstring(domain) + L'\\' + name, use != SidTypeWellKnownGroup};
}

}  // namespace machine::windows
