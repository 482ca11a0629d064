# Makes the bill of materials of the binary of what cargo-cyclonedx tells, which also lists what only runs while compiling.
# $linked: "NAME VERSION" of each crate that is in the binary. $libraries: components that no crate is. $sum: the SHA-256 of
# the binary. $sources: the folder in which cargo-cyclonedx looked.

.metadata.component["bom-ref"] as $binary
| (.components | map(select("\(.name) \(.version)" | IN($linked[])))) as $crates
| ($linked - ($crates | map("\(.name) \(.version)")) - ["\(.metadata.component.name) \(.metadata.component.version)"]) as $missing
| if $missing != [] then error("cargo-cyclonedx does not know the crates \($missing)") else . end
| ([$binary] + ($crates | map(.["bom-ref"]))) as $refs
| .components = $crates + $libraries
| .dependencies |= map(select(.ref | IN($refs[])) | (.dependsOn // []) as $all | .dependsOn = ($all - ($all - $refs)))
| (.dependencies[] | select(.ref == $binary) | .dependsOn) += ($libraries | map(.["bom-ref"]))
| .dependencies += ($libraries | map({ref: .["bom-ref"], dependsOn: []}))
| del(.serialNumber, .metadata.timestamp)
| .metadata.component.hashes = [{alg: "SHA-256", content: $sum}]
| walk(if type != "string" then . else
    gsub("path\\+file://\($sources)/"; "path+file:///sidecarset/")
    # Crates of this repository are in no registry.
    | if startswith("pkg:cargo/") then sub("\\?download_url=file://.*$"; "") else . end
  end)
