// Command amino compares what this chain signs as amino JSON with what the SDK's own encoder writes of the same
// bytes and descriptors. It ends with 0 if they are the same for every message of the snapshot.
//
//	amino DESCRIPTORS SNAPSHOT
//
// DESCRIPTORS is a FileDescriptorSet with all imports; SNAPSHOT is that of the chain's own tests: a line with
// type URL and bytes in hex, then a line with the JSON.
package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"cosmossdk.io/x/tx/signing/aminojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: amino DESCRIPTORS SNAPSHOT")
		os.Exit(2)
	}
	count, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "amino:", err)
		os.Exit(1)
	}
	fmt.Printf("ok %d messages\n", count)
}

func run(descriptors, snapshot string) (int, error) {
	compiled, err := os.ReadFile(descriptors)
	if err != nil {
		return 0, err
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(compiled, set); err != nil {
		return 0, err
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return 0, err
	}
	types := dynamicpb.NewTypes(files)
	encoder := aminojson.NewEncoder(aminojson.EncoderOptions{FileResolver: files, TypeResolver: types})

	text, err := os.ReadFile(snapshot)
	if err != nil {
		return 0, err
	}
	_, body, found := strings.Cut(string(text), "\n---\n")
	lines := strings.Split(strings.TrimRight(body, "\n"), "\n")
	if !found || len(lines)%2 != 0 {
		return 0, errors.New("the snapshot has not two lines for each message")
	}
	var wrong []error
	for at := 0; at < len(lines); at += 2 {
		url, content, _ := strings.Cut(lines[at], " ")
		written, err := encoded(encoder, url, content)
		if err == nil && written != lines[at+1] {
			err = fmt.Errorf("the SDK writes\n%s\nand the chain\n%s", written, lines[at+1])
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", url, err))
		}
	}
	return len(lines) / 2, errors.Join(wrong...)
}

// encoded is the SDK's amino JSON of a message, packed as in a document that is signed.
func encoded(encoder aminojson.Encoder, url, content string) (string, error) {
	bytes, err := hex.DecodeString(content)
	if err != nil {
		return "", err
	}
	written, err := encoder.Marshal(&anypb.Any{TypeUrl: url, Value: bytes})
	return string(written), err
}
