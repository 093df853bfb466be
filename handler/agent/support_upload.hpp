#pragma once

#include <filesystem>
#include <string>

#include "handler/agent/blob_upload.hpp"

namespace handler {

/// Where a bundle lies until it was sent.
inline std::filesystem::path support_folder(const std::filesystem::path& state_folder) {
    return state_folder / "support";
}

/// Makes a support bundle and sends it to `url`, a SAS URL that BlobTarget::parse accepted. A bundle that an earlier
/// call could not send to its end is sent first, where that is of the same place and younger than the week for which
/// the service keeps its blocks. Bundle and progress lie in `folder` until then. Returns where it is, without the
/// signature.
machine::Result<std::string> upload_support_bundle(const std::string& url, const std::string& host_name,
                                                   const std::filesystem::path& folder,
                                                   const std::function<machine::Result<std::string>()>& make_bundle,
                                                   const UploadOptions& options);

}  // namespace handler
