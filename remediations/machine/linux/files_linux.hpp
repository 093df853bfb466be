#pragma once

#include "remediations/machine/files.hpp"

namespace machine::local {

class LinuxFiles final : public Files {
public:
    Result<FileStatus> status(const Path& path) const override;
    Result<std::string> read(const Path& path, std::size_t limit) const override;
    Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t length) const override;
    Result<Space> space(const Path& path) const override;
    Result<std::vector<std::string>> list(const Path& directory) const override;
    Result<void> write(const Path& path, const std::string& content, std::uint32_t mode) override;
    Result<void> create_folder(const Path& path, std::uint32_t mode) override;
    Result<void> create_link(const Path& path, const Path& target) override;
    Result<Path> link_target(const Path& path) const override;
    Result<void> remove_link(const Path& path) override;
    Result<void> set_permissions(const Path& path, const FilePermissions& permissions) override;
    Result<void> move(const Path& from, const Path& to) override;
    Result<void> remove(const Path& path) override;
    Result<void> remove_leftovers(const Path& path) override;
};

}  // namespace machine::local
