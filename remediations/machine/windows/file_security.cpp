#include "remediations/machine/windows/file_security.hpp"

#include "remediations/machine/windows/file_access.hpp"
#include "remediations/machine/windows/privileges.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"

#include <aclapi.h>
#include <sddl.h>

namespace machine::windows {

namespace {

constexpr SECURITY_INFORMATION owner_group_and_list =
    OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;

/// Returns which of the three a descriptor has.
SECURITY_INFORMATION parts_of(PSECURITY_DESCRIPTOR descriptor) {
    PSID sid = nullptr;
    PACL list = nullptr;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    SECURITY_INFORMATION parts = 0;
    if (GetSecurityDescriptorOwner(descriptor, &sid, &defaulted) && sid) parts |= OWNER_SECURITY_INFORMATION;
    if (GetSecurityDescriptorGroup(descriptor, &sid, &defaulted) && sid) parts |= GROUP_SECURITY_INFORMATION;
    if (GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) && present) {
        parts |= DACL_SECURITY_INFORMATION;
    }
    return parts;
}

}  // namespace

Result<std::string> security_of(const std::wstring& native) {
    const Privileges privileges{SE_BACKUP_NAME};  // for files whose list locks even administrators out
    const auto name = display(native);
    const auto file = open_existing(native, READ_CONTROL);
    if (!file) return file.error();
    LocalPointer<void> descriptor;
    const auto code = GetSecurityInfo(file->get(), SE_FILE_OBJECT, owner_group_and_list, nullptr, nullptr, nullptr,
                                      nullptr, descriptor.receive());
    if (code != ERROR_SUCCESS) return windows_error(code, "read the access control list of", name);
    LocalPointer<wchar_t> text;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor.get(), SDDL_REVISION_1, owner_group_and_list,
                                                              text.receive(), nullptr)) {
        return last_error("read the access control list of", name);
    }
    return to_utf8(text.get());
}

Result<void> set_security_of(const std::wstring& native, const std::string& sddl) {
    const auto name = display(native);
    const auto text = to_wide_name(sddl);
    if (!text) return text.error();
    LocalPointer<void> descriptor;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text->c_str(), SDDL_REVISION_1, descriptor.receive(),
                                                              nullptr)) {
        auto error = last_error("understand the security descriptor", sddl);
        error.kind = ErrorKind::invalid;
        return error;
    }
    const auto parts = parts_of(descriptor.get());
    if (parts == 0) return Error::invalid("the security descriptor \"" + sddl + "\" is empty");
    // Without the request the file system forgets that entries were inherited.
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision = 0;
    if (GetSecurityDescriptorControl(descriptor.get(), &control, &revision) &&
        (control & SE_DACL_AUTO_INHERITED) != 0) {
        constexpr SECURITY_DESCRIPTOR_CONTROL kept = SE_DACL_AUTO_INHERITED | SE_DACL_AUTO_INHERIT_REQ;
        SetSecurityDescriptorControl(descriptor.get(), kept, kept);
    }
    const Privileges privileges{SE_RESTORE_NAME, SE_TAKE_OWNERSHIP_NAME};
    const bool has_owner = (parts & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION)) != 0;
    const bool has_list = (parts & DACL_SECURITY_INFORMATION) != 0;
    const auto file = open_existing(native, (has_list ? WRITE_DAC : 0) | (has_owner ? WRITE_OWNER : 0));
    if (!file) return file.error();
    // Not SetSecurityInfo, which would change everything below a folder too.
    if (!SetKernelObjectSecurity(file->get(), parts, descriptor.get())) {
        return last_error("set the access control list of", name);
    }
    return {};
}

}  // namespace machine::windows
