# Makes the bill of materials of the image of the binary's. $name, $digest and $architecture are those of the image.

.metadata.component as $binary
| ("pkg:oci/\($name)@\($digest | gsub(":"; "%3A"))?arch=\($architecture)") as $purl
| .metadata.component = {
    type: "container", "bom-ref": $purl, name: $name, version: $digest, purl: $purl,
    hashes: [{alg: "SHA-256", content: ($digest | sub("^sha256:"; ""))}]
  }
| .components = [$binary] + .components
| .dependencies = [{ref: $purl, dependsOn: [$binary["bom-ref"]]}] + .dependencies
