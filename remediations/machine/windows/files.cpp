#include "remediations/machine/files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "remediations/machine/time_limit.hpp"
#include "remediations/machine/windows/file_access.hpp"
#include "remediations/machine/windows/file_security.hpp"
#include "remediations/machine/windows/file_time.hpp"
#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"
#include "remediations/machine/windows/version_resource.hpp"

namespace machine::windows {

namespace {

Error is_not(const Path& path, std::string_view expected) {
    return Error::invalid(fmt::format("{} is not {}", path, expected));
}

std::wstring child_of(const std::wstring& directory, const std::wstring& name) {
    return directory.ends_with(L'\\') ? directory + name : directory + L'\\' + name;
}

struct Entry {
    std::wstring name;
    DWORD attributes;
    bool link;
};

Result<std::vector<Entry>> entries_of(const std::wstring& native) {
    WIN32_FIND_DATAW data{};
    const auto name = display(native);
    const FindHandle find(FindFirstFileExW(child_of(native, L"*").c_str(), FindExInfoBasic, &data,
                                           FindExSearchNameMatch, nullptr, FIND_FIRST_EX_LARGE_FETCH));
    std::vector<Entry> entries;
    if (!find) {
        const auto code = GetLastError();
        if (code == ERROR_FILE_NOT_FOUND) return entries;  // an empty root directory has not even "."
        return windows_error(code, "list", name);
    }
    do {
        const std::wstring_view entry = data.cFileName;
        if (entry == L"." || entry == L"..") continue;
        const bool is_reparse_point = (data.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
        entries.push_back({std::wstring(entry), data.dwFileAttributes,
                           is_reparse_point && IsReparseTagNameSurrogate(data.dwReserved0)});
    } while (FindNextFileW(find.get(), &data));
    if (GetLastError() != ERROR_NO_MORE_FILES) return last_error("list", name);
    return entries;
}

Result<Space> space_of(const std::wstring& native) {
    const auto name = display(native);
    if (GetFileAttributesW(native.c_str()) == INVALID_FILE_ATTRIBUTES) return last_error("find", name);
    // The volume's own root: the function below takes no file, and a volume may be mounted in a folder.
    std::wstring root(native.size() + 2, L'\0');
    ULARGE_INTEGER total{};
    ULARGE_INTEGER available{};
    if (!GetVolumePathNameW(native.c_str(), root.data(), static_cast<DWORD>(root.size())) ||
        !GetDiskFreeSpaceExW(root.c_str(), nullptr, &total, &available)) {
        return last_error("see the free space at", name);
    }
    return Space{.total_bytes = total.QuadPart, .free_bytes = available.QuadPart};
}

DWORD attributes_of(const std::wstring& native) {
    return GetFileAttributesW(native.c_str());
}

/// Removes one file, empty directory or link. The attribute read-only does not protect it, as on Linux.
Result<void> remove_one(const std::wstring& native) {
    const auto attributes = attributes_of(native);
    const auto name = display(native);
    if (attributes == INVALID_FILE_ATTRIBUTES) return last_error("remove", name);
    if ((attributes & FILE_ATTRIBUTE_READONLY) != 0) {
        SetFileAttributesW(native.c_str(), attributes & ~static_cast<DWORD>(FILE_ATTRIBUTE_READONLY));
    }
    const bool is_directory = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    const auto code = retry_while_in_use(
        [&] { return is_directory ? RemoveDirectoryW(native.c_str()) : DeleteFileW(native.c_str()); });
    if (code != ERROR_SUCCESS) return windows_error(code, "remove", name);
    return {};
}

Result<void> remove_tree(const std::wstring& native, bool link) {
    const auto attributes = attributes_of(native);
    if (!link && attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
        const auto entries = entries_of(native);
        if (!entries) return entries.error();
        for (const auto& entry : *entries) {
            const auto removed = remove_tree(child_of(native, entry.name), entry.link);
            if (!removed) return removed;
        }
    }
    return remove_one(native);
}

Result<void> copy_access_control(const std::wstring& from, const std::wstring& to) {
    constexpr SECURITY_INFORMATION what = DACL_SECURITY_INFORMATION;
    DWORD size = 0;
    GetFileSecurityW(from.c_str(), what, nullptr, 0, &size);
    std::vector<std::uint8_t> descriptor(size);
    if (!GetFileSecurityW(from.c_str(), what, descriptor.data(), size, &size) ||
        !SetFileSecurityW(to.c_str(), what, descriptor.data())) {
        return last_error("copy the access control list of", display(from));
    }
    return {};
}

/// Copies content, attributes, times and access control list. Copies links as links.
Result<void> copy_tree(const std::wstring& from, const std::wstring& to, bool link) {
    const auto attributes = attributes_of(from);
    const auto name = display(from);
    if (attributes == INVALID_FILE_ATTRIBUTES) return last_error("copy", name);
    const bool is_directory = (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (link && is_directory) {
        return Error::unsupported(name + " is a link to a directory, which cannot be copied");
    }
    const bool copied = is_directory
                            ? CreateDirectoryExW(from.c_str(), to.c_str(), nullptr)
                            : CopyFileExW(from.c_str(), to.c_str(), nullptr, nullptr, nullptr,
                                          COPY_FILE_FAIL_IF_EXISTS | (link ? COPY_FILE_COPY_SYMLINK : DWORD{0}));
    if (!copied) return last_error("copy", name);
    if (is_directory) {
        const auto entries = entries_of(from);
        if (!entries) return entries.error();
        for (const auto& entry : *entries) {
            const auto result = copy_tree(child_of(from, entry.name), child_of(to, entry.name), entry.link);
            if (!result) return result;
        }
    }
    return link ? Result<void>{} : copy_access_control(from, to);
}

class WindowsFiles final : public Files {
public:
    Result<FileStatus> status(const Path& path) const override {
        const auto native = native_path(path);
        if (!native) return native.error();
        const auto file = open_existing(*native, FILE_READ_ATTRIBUTES, true);
        if (!file) return file.error();
        BY_HANDLE_FILE_INFORMATION info{};
        if (!GetFileInformationByHandle(file->get(), &info)) return last_error("query", path);
        FileStatus status;
        const bool is_directory = (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
        status.kind = is_link(file->get()) ? FileKind::symlink : is_directory ? FileKind::directory : FileKind::regular;
        status.size = (std::uint64_t{info.nFileSizeHigh} << 32) | info.nFileSizeLow;
        status.modified = to_time_point(info.ftLastWriteTime);
        return status;
    }

    Result<std::string> read(const Path& path, std::size_t limit) const override {
        const auto native = native_path(path);
        if (!native) return native.error();
        const auto found = status(path);
        if (!found) return found.error();
        if (found->kind == FileKind::directory) return is_not(path, "a file");
        const auto file = open_existing(*native, GENERIC_READ);
        if (!file) return file.error();
        return read_all(file->get(), limit, path);
    }

    Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t length) const override {
        const auto native = native_path(path);
        if (!native) return native.error();
        const auto found = status(path);
        if (!found) return found.error();
        if (found->kind == FileKind::directory) return is_not(path, "a file");
        const auto file = open_existing(*native, GENERIC_READ);
        if (!file) return file.error();
        return read_part(file->get(), offset, length, path);
    }

    Result<Space> space(const Path& path) const override {
        const auto native = native_path(path);
        if (!native) return native.error();
        return with_time_limit<Space>(std::chrono::seconds(2), "see the free space at " + path,
                                      [native = *native] { return space_of(native); });
    }

    Result<std::vector<std::string>> list(const Path& directory) const override {
        const auto native = native_path(directory);
        if (!native) return native.error();
        const auto found = status(directory);
        if (!found) return found.error();
        if (found->kind != FileKind::directory) return is_not(directory, "a directory");
        const auto entries = entries_of(*native);
        if (!entries) return entries.error();
        std::vector<std::string> names;
        for (const auto& entry : *entries) names.push_back(to_utf8(entry.name));
        std::sort(names.begin(), names.end());
        return names;
    }

    Result<std::string> security(const Path& path) const override {
        const auto native = native_path(path);
        if (!native) return native.error();
        return security_of(*native);
    }

    Result<void> set_security(const Path& path, const std::string& sddl) override {
        const auto native = native_path(path);
        if (!native) return native.error();
        return set_security_of(*native, sddl);
    }

    Result<FileVersion> version(const Path& path) const override {
        const auto native = native_path(path);
        if (!native) return native.error();
        const auto found = status(path);
        if (!found) return found.error();
        if (found->kind != FileKind::regular) return is_not(path, "a regular file");
        return version_of(*native);
    }

    Result<void> write(const Path& path, const std::string& content, std::uint32_t) override {
        const auto native = native_path(path);
        if (!native) return native.error();
        const auto found = status(path);
        if (!found && found.error().kind != ErrorKind::not_found) return found.error();
        if (found && found->kind != FileKind::regular) return is_not(path, "a regular file");

        const auto temporary = write_temporary_beside(*native, content);
        if (!temporary) return temporary.error();
        const auto rename = [&] { return MoveFileExW(temporary->c_str(), native->c_str(), MOVEFILE_WRITE_THROUGH); };
        // The replacement takes over attributes, access control list and creation time.
        const auto replace = [&] {
            return ReplaceFileW(native->c_str(), temporary->c_str(), nullptr, 0, nullptr, nullptr);
        };
        auto code = found ? retry_while_in_use(replace) : retry_while_in_use(rename);
        // Documented: the old file is gone then, and the new one still has its temporary name.
        if (code == ERROR_UNABLE_TO_MOVE_REPLACEMENT_2) code = retry_while_in_use(rename);
        if (code == ERROR_SUCCESS) return {};
        DeleteFileW(temporary->c_str());
        return windows_error(code, "replace", path);
    }

    Result<void> set_permissions(const Path& path, const FilePermissions&) override {
        return Error::unsupported(path + " has an access control list, and no mode");
    }

    Result<void> create_folder(const Path& path, std::uint32_t) override {
        const auto native = native_path(path);
        if (!native) return native.error();
        if (!CreateDirectoryW(native->c_str(), nullptr)) return last_error("create", path);
        return {};
    }

    Result<void> move(const Path& from, const Path& to) override {
        const auto source = native_path(from);
        if (!source) return source.error();
        const auto target = native_path(to);
        if (!target) return target.error();
        const auto found = status(from);
        if (!found) return found.error();
        if (status(to)) return Error::failed(to + " already exists", ERROR_ALREADY_EXISTS);
        if (const auto created = create_directories(parent_of(*target), nullptr); !created) return created;

        const auto code =
            retry_while_in_use([&] { return MoveFileExW(source->c_str(), target->c_str(), MOVEFILE_WRITE_THROUGH); });
        if (code == ERROR_SUCCESS) return {};
        if (code != ERROR_NOT_SAME_DEVICE) return windows_error(code, "move", from + " to " + to);

        const bool link = found->kind == FileKind::symlink;
        // Under either name there is always a complete tree, also after a crash.
        const auto rename = [](const std::wstring& one, const std::wstring& other) {
            return retry_while_in_use([&] { return MoveFileExW(one.c_str(), other.c_str(), MOVEFILE_WRITE_THROUGH); });
        };
        const auto copy = temporary_name_beside(*target);
        auto copied = copy_tree(*source, copy, link);
        if (const auto error = copied ? rename(copy, *target) : ERROR_SUCCESS; error != ERROR_SUCCESS) {
            copied = windows_error(error, "create", to);
        }
        if (!copied) {
            remove_tree(copy, link);
            return copied;
        }
        const auto doomed = temporary_name_beside(*source);
        if (const auto error = rename(*source, doomed); error != ERROR_SUCCESS) {
            remove_tree(*target, link);
            return windows_error(error, "remove", from);
        }
        return remove_tree(doomed, link);
    }

    Result<void> remove_leftovers(const Path& path) override {
        const auto native = native_path(path);
        if (!native) return native.error();
        const auto parent = parent_of(*native);
        const auto name = native->substr(native->find_last_of(L'\\') + 1);
        const auto entries = entries_of(parent);
        if (!entries) return entries.error().kind == ErrorKind::not_found ? Result<void>{} : entries.error();
        for (const auto& entry : *entries) {
            if (!is_temporary_of(entry.name, name)) continue;
            if (const auto removed = remove_tree(child_of(parent, entry.name), entry.link); !removed) return removed;
        }
        return {};
    }

    Result<void> remove(const Path& path) override {
        const auto native = native_path(path);
        if (!native) return native.error();
        return remove_one(*native);
    }
};

}  // namespace

std::unique_ptr<Files> make_files() {
    return std::make_unique<WindowsFiles>();
}

}  // namespace machine::windows
