// Files that devices upload: what the device API and the storage endpoint ask of a hub.
//
// A device asks for a place (FileUploads::begin_upload), sends the file to the storage endpoint with the signature that it
// got (FileStorage), and says how it went (FileUploads::end_upload). A file's name begins with its device: "d1/log.txt".
//
// Runs on: the hub's loop. Nothing here throws.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/clock.h"
#include "base/result.h"

namespace selvage::hub_api {

// Where a device may put a file: "https://{host_name}/{container}/{blob}{signature}" (`signature` begins with '?').
struct UploadPlace {
    std::string correlation_id;
    std::string host_name;
    std::string container;
    std::string blob;
    std::string signature;            // a secret for as long as it is good
};

// What a device says of an upload.
struct UploadOutcome {
    std::string correlation_id;
    bool succeeded = false;
    std::int64_t status_code = 0;     // of the storage endpoint's answer, as the device saw it; for the log
};

class FileUploads {
public:
    virtual ~FileUploads() = default;

    // `name` is the device's own: "log.txt". Errors: invalid_argument (the name), quota_exceeded (as many uploads are under
    // way as a device may have), unavailable.
    virtual async::Awaitable<Result<UploadPlace>> begin_upload(std::string device, std::string name) = 0;

    // Durable when it returns. Errors: not_found (no such upload of this device), precondition_failed (its time is over),
    // invalid_argument (it is said to have succeeded, and there is no such file), unavailable.
    virtual async::Awaitable<Result<>> end_upload(std::string device, UploadOutcome outcome) = 0;
};

struct FileFacts {
    std::uint64_t bytes = 0;
    UtcTime modified{};
    std::string etag;                 // without quotes; another after every change
};

// A file or block that is being sent. Destroyed before finish(): nothing has happened.
class IncomingFile {
public:
    virtual ~IncomingFile() = default;
    // Errors: malformed (more bytes than were announced), quota_exceeded (disk full), io_error.
    virtual async::Awaitable<Result<>> write(std::string part) = 0;
    // Puts it in its place; durable when it returns. Errors: malformed (fewer bytes than were announced), already_exists
    // (only where a new file was asked for), quota_exceeded, io_error.
    virtual async::Awaitable<Result<FileFacts>> finish() = 0;
};

class OutgoingFile {
public:
    virtual ~OutgoingFile() = default;
    virtual const FileFacts& facts() const = 0;
    // The next part; empty at the end. Errors: io_error.
    virtual async::Awaitable<Result<std::string>> read() = 0;
};

// What a request shows for its right: the fields of the signature, decoded. Empty: absent.
struct FilePass {
    std::string version;              // sv
    std::string resource;             // sr
    std::string permissions;          // sp
    std::string expiry;               // se
    std::string signature;            // sig
};

enum class FileAccess { read, write };

// The container of uploaded files. `blob` is a whole name.
class FileStorage {
public:
    virtual ~FileStorage() = default;

    virtual std::string_view container() const = 0;
    virtual std::uint64_t file_bytes_max() const = 0;

    // Errors: unauthorized (no signature, a wrong one, or over its time), forbidden (good, but not for this).
    virtual async::Awaitable<Result<>> check(std::string blob, FilePass pass, FileAccess access) = 0;

    // `bytes` are to come. With `only_new` an existing file is left alone. Errors: invalid_argument (the name),
    // message_too_large, quota_exceeded (no room), already_exists, throttled (too many at once), io_error.
    virtual async::Awaitable<Result<std::unique_ptr<IncomingFile>>> put(std::string blob, std::uint64_t bytes, bool only_new) = 0;
    // A part of a file to be: put_blocks() joins them, in the order that it names. A block replaces one of its id.
    virtual async::Awaitable<Result<std::unique_ptr<IncomingFile>>> put_block(std::string blob, std::string block,
                                                                             std::uint64_t bytes) = 0;
    // Errors: not_found (a block is not there), message_too_large, already_exists, quota_exceeded, throttled, io_error.
    virtual async::Awaitable<Result<FileFacts>> put_blocks(std::string blob, std::vector<std::string> blocks, bool only_new) = 0;

    // Errors: not_found, io_error.
    virtual async::Awaitable<Result<FileFacts>> facts(std::string blob) = 0;
    virtual async::Awaitable<Result<std::unique_ptr<OutgoingFile>>> get(std::string blob) = 0;
};

}  // namespace selvage::hub_api
