#include "heads/http/file_uploads.h"

#include "base/json.h"

namespace selvage::heads::http {

Result<std::string> read_blob_name(std::string_view json) {
    SELVAGE_TRY(const auto body, parse_json_object(json));
    auto name = std::string(find_text(body, "blobName"));
    if (name.empty()) return fail(Errc::invalid_argument, "blobName is missing");
    return name;
}

Result<hub_api::UploadOutcome> read_outcome(std::string_view json, std::string correlation_id_of_path) {
    SELVAGE_TRY(const auto body, parse_json_object(json));
    hub_api::UploadOutcome outcome{.correlation_id = std::move(correlation_id_of_path),
                                   .succeeded = false,
                                   .status_code = find_integer(body, "statusCode")};
    if (outcome.correlation_id.empty()) outcome.correlation_id = find_text(body, "correlationId");
    const auto* succeeded = find(body, "isSuccess");
    if (succeeded == nullptr || !succeeded->is_bool()) return fail(Errc::invalid_argument, "isSuccess: give true or false");
    outcome.succeeded = succeeded->as_bool();
    return outcome;
}

net::HttpResponse place_response(const hub_api::UploadPlace& place) {
    net::HttpResponse response;
    response.headers.set("Content-Type", "application/json; charset=utf-8");
    response.body = to_text(JsonObject{{"correlationId", place.correlation_id},
                                       {"hostName", place.host_name},
                                       {"containerName", place.container},
                                       {"blobName", place.blob},
                                       {"sasToken", place.signature}});
    return response;
}

}  // namespace selvage::heads::http
