#include "remediations/machine/windows/security.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/windows/file_access.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"

#include <aclapi.h>
#include <sddl.h>

namespace machine::windows {

std::string sid_text(PSID sid) {
    LocalPointer<wchar_t> text;
    return ConvertSidToStringSidW(sid, text.receive()) ? to_utf8(text.get()) : "an invalid SID";
}

namespace {

constexpr std::string_view local_system = "S-1-5-18";
constexpr std::string_view administrators = "S-1-5-32-544";
constexpr std::string_view trusted_installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
/// These two mean the owner, who is checked separately.
constexpr std::string_view creator_owner = "S-1-3-0";
constexpr std::string_view owner_rights = "S-1-3-4";

constexpr DWORD write_rights = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES |
                               FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;

std::string current_user() {
    KernelHandle token;
    alignas(TOKEN_USER) BYTE buffer[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    DWORD size = 0;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, token.receive()) ||
        !GetTokenInformation(token.get(), TokenUser, buffer, sizeof buffer, &size)) {
        return {};
    }
    return sid_text(reinterpret_cast<const TOKEN_USER*>(buffer)->User.Sid);
}

bool is_trusted(std::string_view sid) {
    const std::string_view trusted[] = {local_system, administrators, trusted_installer};
    return std::find(std::begin(trusted), std::end(trusted), sid) != std::end(trusted) || sid == current_user();
}

/// Returns the SID that an access control entry allows to write, or an empty text.
std::string writer(const ACE_HEADER& header) {
    // Entries for inheritors are looked at on these. Entries that deny cannot do harm.
    if ((header.AceFlags & INHERIT_ONLY_ACE) != 0) return {};
    if (header.AceType == ACCESS_DENIED_ACE_TYPE) return {};
    if (header.AceType != ACCESS_ALLOWED_ACE_TYPE) return "an entry of an unknown type";
    const auto& entry = reinterpret_cast<const ACCESS_ALLOWED_ACE&>(header);
    if ((entry.Mask & write_rights) == 0) return {};
    return sid_text(const_cast<DWORD*>(&entry.SidStart));
}

}  // namespace

Result<PrivateSecurity> PrivateSecurity::create() {
    std::wstring text = L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
    if (local::is_privileged()) {
        text = L"O:BA" + text;
    } else if (const auto user = to_wide(current_user()); user && !user->empty()) {
        text += L"(A;OICI;FA;;;" + *user + L")";
    }
    PrivateSecurity security;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text.c_str(), SDDL_REVISION_1,
                                                              security.descriptor_.receive(), nullptr)) {
        return last_error("create", "a security descriptor");
    }
    return security;
}

Result<void> require_private(const std::wstring& native) {
    const auto name = display(native);
    const auto file = open_existing(native, READ_CONTROL);
    if (!file) return file.error();
    PSID owner = nullptr;
    PACL acl = nullptr;
    LocalPointer<void> descriptor;
    const auto code =
        GetSecurityInfo(file->get(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                        nullptr, &acl, nullptr, descriptor.receive());
    if (code != ERROR_SUCCESS) return windows_error(code, "read the access control list of", name);

    const auto refuse = [&](const std::string& reason) {
        return Error::refused(
            fmt::format("{} {}, expected SYSTEM and administrators only: remove or rename it", name, reason));
    };
    if (const auto sid = sid_text(owner); !is_trusted(sid)) return refuse("is owned by " + sid);
    if (acl == nullptr) return refuse("has no access control list, so everybody may write to it");
    for (DWORD index = 0; index < acl->AceCount; ++index) {
        void* entry = nullptr;
        if (!GetAce(acl, index, &entry)) return last_error("read the access control list of", name);
        const auto sid = writer(*static_cast<const ACE_HEADER*>(entry));
        if (!sid.empty() && sid != creator_owner && sid != owner_rights && !is_trusted(sid)) {
            return refuse("may be written to by " + sid);
        }
    }
    return {};
}

bool is_owned_by_somebody_else(const std::wstring& native) {
    const auto file = open_existing(native, READ_CONTROL);
    if (!file) return false;
    PSID owner = nullptr;
    LocalPointer<void> descriptor;
    const auto code = GetSecurityInfo(file->get(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, nullptr, nullptr,
                                      nullptr, descriptor.receive());
    return code == ERROR_SUCCESS && !is_trusted(sid_text(owner));
}

}  // namespace machine::windows
