#include "remediations/machine/mounts.hpp"

#include <fmt/format.h>

#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"

namespace machine::windows {

namespace {

class WindowsMounts final : public Mounts {
public:
    /// Fixed drives only: a removable or network drive may take minutes to answer.
    Result<std::vector<Mount>> list() const override {
        const auto drives = GetLogicalDrives();
        if (drives == 0) return last_error("list", "the drives");
        std::vector<Mount> mounts;
        for (unsigned index = 0; index < 26; ++index) {
            if ((drives >> index & 1U) == 0) continue;
            const wchar_t root[] = {static_cast<wchar_t>(L'A' + index), L':', L'\\', L'\0'};
            if (GetDriveTypeW(root) != DRIVE_FIXED) continue;
            mounts.push_back(describe(root));
        }
        return mounts;
    }

    Result<void> remount(const Path& target, const std::string&) override { return unsupported("remount", target); }

    Result<void> thaw(const Path& target) override { return unsupported("thaw", target); }

private:
    static Error unsupported(const char* action, const Path& target) {
        return Error::unsupported(fmt::format("Windows does not let anybody {} {}", action, target));
    }

    /// Leaves empty what a volume does not tell; it may be locked.
    static Mount describe(const wchar_t* root) {
        Mount mount;
        mount.target = to_utf8(root);
        wchar_t text[MAX_PATH + 1];
        if (GetVolumeNameForVolumeMountPointW(root, text, MAX_PATH)) mount.source = to_utf8(text);
        DWORD flags = 0;
        if (GetVolumeInformationW(root, nullptr, 0, nullptr, nullptr, &flags, text, MAX_PATH)) {
            mount.type = to_utf8(text);
            mount.options = {(flags & FILE_READ_ONLY_VOLUME) != 0 ? "ro" : "rw"};
        }
        return mount;
    }
};

}  // namespace

std::unique_ptr<Mounts> make_mounts() {
    return std::make_unique<WindowsMounts>();
}

}  // namespace machine::windows
