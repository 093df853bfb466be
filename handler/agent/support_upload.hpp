#pragma once

#include <filesystem>
#include <string>

#include "handler/agent/blob_upload.hpp"

namespace handler {

/// Returns the folder that holds a bundle until it is sent.
inline std::filesystem::path support_folder(const std::filesystem::path& state_folder) {
    return state_folder / "support";
}

/// Makes a support bundle and sends it to `url`, a SAS URL that BlobTarget::parse() accepted. First sends a bundle that
/// an earlier call could not send completely, if its target is the same and it is younger than one week, the time for
/// which the service keeps its blocks. Bundle and progress are in `folder` until then. Returns the URL without the
/// signature.
machine::Result<std::string> upload_support_bundle(const std::string& url, const std::string& host_name,
                                                   const std::filesystem::path& folder,
                                                   const std::function<machine::Result<std::string>()>& make_bundle,
                                                   const UploadOptions& options);

}  // namespace handler
