# shellcheck shell=bash
# Clients of S3, IAM and MinIO's administration that are not ours, in one Python: boto3 and minio.
#
#   TENANTRY_TEST_S3_PYTHON  a Python that has both

server s3-oracle
readonly BOTO3=1.44.5 MINIO_PY=7.2.20

s3-oracle_find() {
  local python
  python=$(type -P python3) || give_up "Python 3 is not installed"
  cached "s3-oracle-$BOTO3-$MINIO_PY" make_venv "$python" "boto3==$BOTO3" "minio==$MINIO_PY"
  found "boto3 $BOTO3, minio $MINIO_PY" "their Python packages"
  provide TENANTRY_TEST_S3_PYTHON "$CACHE/s3-oracle-$BOTO3-$MINIO_PY/bin/python"
}
