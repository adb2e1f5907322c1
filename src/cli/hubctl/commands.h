// The commands, one function each: they ask the hub and print to standard output.
#pragma once

#include "cli/hubctl/options.h"
#include "cli/hubctl/service_client.h"

namespace selvage::cli::hubctl {

Awaitable<Result<>> identity_create(ServiceClient& hub, Options options);
Awaitable<Result<>> identity_show(ServiceClient& hub, Options options);
Awaitable<Result<>> identity_list(ServiceClient& hub, Options options);
Awaitable<Result<>> identity_delete(ServiceClient& hub, Options options);
Awaitable<Result<>> identity_update(ServiceClient& hub, Options options);
// Of a device or module; that of a policy needs no hub.
Awaitable<Result<>> connection_string(ServiceClient& hub, Options options);
Awaitable<Result<>> set_modules(ServiceClient& hub, Options options);
Awaitable<Result<>> twin_show(ServiceClient& hub, Options options);
Awaitable<Result<>> twin_update(ServiceClient& hub, Options options);
Awaitable<Result<>> invoke_method(ServiceClient& hub, Options options);
Awaitable<Result<>> c2d_send(ServiceClient& hub, Options options);
Awaitable<Result<>> c2d_purge(ServiceClient& hub, Options options);
// Completes the batch once it is printed.
Awaitable<Result<>> c2d_feedback(async::TimeSource& time, ServiceClient& hub, Options options);
Awaitable<Result<>> ca_add(ServiceClient& hub, Options options);
Awaitable<Result<>> ca_verify(ServiceClient& hub, Options options);
Awaitable<Result<>> ca_list(ServiceClient& hub, Options options);
Awaitable<Result<>> ca_delete(ServiceClient& hub, Options options);
// Uploaded files: docs/wire/file-upload.md#operators.
Awaitable<Result<>> files_list(ServiceClient& hub, Options options);
Awaitable<Result<>> files_get(ServiceClient& hub, Options options);
Awaitable<Result<>> files_delete(ServiceClient& hub, Options options);

// The JSON form of a message: docs/wire/c2d.md#sending. Errors: invalid_argument (a property without '=').
Result<JsonArray> message_of(const Options& options, std::string body, UtcTime now);

// Reads a manifest file's content: {"modulesContent":…}, the same under "content", or with the older name
// "moduleContent". Errors: invalid_argument.
Result<JsonObject> content_of_manifest(const JsonObject& manifest);

}  // namespace selvage::cli::hubctl
