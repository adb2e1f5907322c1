// The folder of a developer's system: `hub/` is a hub's data folder (hubctl --data takes it), `edge/` the device's, `ca.pem` what
// clients trust.
//
// Blocks on the disk: for start-up and end.
#pragma once

#include <string>

#include "base/result.h"
#include "cloud/data_folder/data_folder.h"

namespace selvage::dev {

class Folder {
public:
    // Makes `path`, or takes one that was made by an earlier run; empty: a temporary one that is removed with this object.
    // Errors: already_exists (something else is in it), io_error.
    static Result<Folder> open(const std::string& path);
    ~Folder();
    Folder(Folder&& other) noexcept;
    Folder& operator=(Folder&&) = delete;

    const std::string& path() const { return path_; }
    bool is_temporary() const { return temporary_; }
    // No run has got as far as mark_made().
    bool is_new() const { return new_; }
    // Identities and deployment are there: the next run goes on with them. Errors: io_error.
    Result<> mark_made() const;

    cloud::data_folder::DataFolder hub() const { return {path_ + "/hub"}; }
    std::string edge() const { return path_ + "/edge"; }
    std::string ca_file() const { return path_ + "/ca.pem"; }
    // Where the clock that runs faster had got to, in milliseconds ahead of the machine's.
    std::string clock_file() const { return path_ + "/clock"; }

private:
    Folder() = default;
    std::string path_;
    bool temporary_ = false;
    bool new_ = true;
};

}  // namespace selvage::dev
