"""moto's server, with the roots of answers as S3 names them: moto calls each after its operation, which strict clients refuse."""

import sys

from moto.core.serialize import S3Serializer
from moto.server import main

ROOTS = {
    "GetBucketVersioningResponse": "VersioningConfiguration",
    "GetBucketLifecycleConfigurationResponse": "LifecycleConfiguration",
    "GetBucketTaggingResponse": "Tagging",
    "ListObjectVersionsResponse": "ListVersionsResult",
    "ListMultipartUploadsResponse": "ListMultipartUploadsResult",
    "DeleteObjectsResponse": "DeleteResult",
    "CreateMultipartUploadResponse": "InitiateMultipartUploadResult",
    "ListBucketsResponse": "ListAllMyBucketsResult",
    "ListObjectsV2Response": "ListBucketResult",
}

serialize = S3Serializer._serialize_body


def as_s3_does(self, body):
    return serialize(self, {ROOTS.get(root, root): value for root, value in body.items()})


S3Serializer._serialize_body = as_s3_does
main(sys.argv[1:])
