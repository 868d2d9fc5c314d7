// franz-go under test; ../driver.py describes the commands.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const null = "\\N"

var (
	ctx     = context.Background()
	address = os.Args[1]
	in      = bufio.NewReaderSize(os.Stdin, 1<<20)
	out     = bufio.NewWriter(os.Stdout)
	codecs  = map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	acks = map[string]kgo.Acks{"all": kgo.AllISRAcks(), "1": kgo.LeaderAck(), "0": kgo.NoAck()}
)

func client(opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(address), kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.WithLogger(kgo.BasicLogger(os.Stderr, kgo.LogLevelWarn, nil))}, opts...)...)
	if err != nil {
		panic(err)
	}
	return cl
}

func admin() (*kadm.Client, func()) {
	cl := client()
	return kadm.NewClient(cl), cl.Close
}

func text(b []byte) string {
	if b == nil {
		return null
	}
	return string(b)
}

func bytesOf(s string) []byte {
	if s == null {
		return nil
	}
	return []byte(s)
}

func lineOf(r *kgo.Record) string {
	headers := make([]string, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = h.Key + "=" + string(h.Value)
	}
	return fmt.Sprintf("%d\t%d\t%d\t%s\t%s\t%s", r.Partition, r.Offset, r.Timestamp.UnixMilli(), text(r.Key),
		strings.Join(headers, "&"), text(r.Value))
}

func recordOf(topic, line string) *kgo.Record {
	f := strings.Split(line, "\t")
	partition, _ := strconv.Atoi(f[0])
	timestamp, _ := strconv.ParseInt(f[1], 10, 64)
	r := &kgo.Record{Topic: topic, Partition: int32(partition), Timestamp: time.UnixMilli(timestamp),
		Key: bytesOf(f[2]), Value: bytesOf(f[4])}
	for _, h := range strings.Split(f[3], "&") {
		if name, value, ok := strings.Cut(h, "="); ok {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	return r
}

func create(w []string) ([]string, error) {
	adm, done := admin()
	defer done()
	partitions, _ := strconv.Atoi(w[1])
	configs := map[string]*string{}
	for _, c := range w[2:] {
		name, value, _ := strings.Cut(c, "=")
		configs[name] = &value
	}
	_, err := adm.CreateTopic(ctx, int32(partitions), 1, configs, w[0])
	return nil, err
}

func produce(w, lines []string) ([]string, error) {
	opts := []kgo.Opt{kgo.RequiredAcks(acks[w[2]]), kgo.ProducerBatchCompression(codecs[w[1]]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.AllowAutoTopicCreation(),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.UnknownTopicRetries(20)}
	if w[3] != "1" {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	cl := client(opts...)
	defer cl.Close()
	records := make([]*kgo.Record, len(lines))
	for i, line := range lines {
		records[i] = recordOf(w[0], line)
	}
	var answer []string
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	for _, r := range records {
		if w[2] == "0" {
			r.Offset = -1
		}
		answer = append(answer, fmt.Sprintf("%d\t%d", r.Partition, r.Offset))
	}
	return answer, nil
}

func read(cl *kgo.Client, count int) ([]string, error) {
	var lines []string
	for len(lines) < count {
		fetches := cl.PollRecords(ctx, count-len(lines))
		for _, e := range fetches.Errors() {
			return nil, e.Err
		}
		fetches.EachRecord(func(r *kgo.Record) { lines = append(lines, lineOf(r)) })
	}
	return lines, nil
}

func consume(w []string) ([]string, error) {
	count, _ := strconv.Atoi(w[1])
	cl := client(kgo.ConsumeTopics(w[0]), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	return read(cl, count)
}

func group(w []string) ([]string, error) {
	count, _ := strconv.Atoi(w[2])
	cl := client(kgo.ConsumeTopics(w[0]), kgo.ConsumerGroup(w[1]), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	lines, err := read(cl, count)
	if err == nil {
		err = cl.CommitUncommittedOffsets(ctx)
	}
	return lines, err
}

func offsets(w []string) ([]string, error) {
	adm, done := admin()
	defer done()
	timestamp, _ := strconv.ParseInt(w[1], 10, 64)
	first, err1 := adm.ListStartOffsets(ctx, w[0])
	last, err2 := adm.ListEndOffsets(ctx, w[0])
	found, err3 := adm.ListOffsetsAfterMilli(ctx, timestamp, w[0])
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	var answer []string
	first.Each(func(o kadm.ListedOffset) {
		l, _ := last.Lookup(w[0], o.Partition)
		f, _ := found.Lookup(w[0], o.Partition)
		answer = append(answer, fmt.Sprintf("%d\t%d\t%d\t%d", o.Partition, o.Offset, l.Offset, f.Offset))
	})
	sort.Strings(answer)
	return answer, nil
}

func describe(w []string) ([]string, error) {
	adm, done := admin()
	defer done()
	topics, err := adm.ListTopics(ctx, w[0])
	if err == nil {
		err = topics[w[0]].Err
	}
	if err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("id\t%s", topics[w[0]].ID), fmt.Sprintf("partitions\t%d", len(topics[w[0]].Partitions))}, nil
}

func configs(w []string) ([]string, error) {
	adm, done := admin()
	defer done()
	described, err := adm.DescribeTopicConfigs(ctx, w[0])
	if err != nil {
		return nil, err
	}
	var answer []string
	for _, c := range described[0].Configs {
		answer = append(answer, c.Key+"\t"+c.MaybeValue())
	}
	return answer, described[0].Err
}

func cluster([]string) ([]string, error) {
	adm, done := admin()
	defer done()
	brokers, err := adm.ListBrokers(ctx)
	var answer []string
	for _, b := range brokers {
		answer = append(answer, fmt.Sprintf("broker\t%d\t%s\t%d", b.NodeID, b.Host, b.Port))
	}
	return answer, err
}

func grow(w []string) ([]string, error) {
	adm, done := admin()
	defer done()
	count, _ := strconv.Atoi(w[1])
	answer, err := adm.UpdatePartitions(ctx, count, w[0])
	if err == nil {
		err = answer.Error()
	}
	return nil, err
}

func remove(w []string) ([]string, error) {
	adm, done := admin()
	defer done()
	answer, err := adm.DeleteTopics(ctx, w[0])
	if err == nil {
		err = answer.Error()
	}
	return nil, err
}

// What a member owns: cooperative balancers tell only the changes.
type ownership struct {
	sync.Mutex
	partitions map[int32]bool
}

func (o *ownership) change(partitions []int32, owned bool) {
	o.Lock()
	defer o.Unlock()
	for _, p := range partitions {
		if owned {
			o.partitions[p] = true
		} else {
			delete(o.partitions, p)
		}
	}
	var list []string
	for p := range o.partitions {
		list = append(list, strconv.Itoa(int(p)))
	}
	fmt.Fprintf(out, "assigned\t%s\n", strings.Join(list, ","))
	out.Flush()
}

func member(w []string) ([]string, error) {
	owned := &ownership{partitions: map[int32]bool{}}
	lost := func(_ context.Context, _ *kgo.Client, m map[string][]int32) { owned.change(m[w[0]], false) }
	opts := []kgo.Opt{kgo.ConsumeTopics(w[0]), kgo.ConsumerGroup(w[1]), kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.AutoCommitMarks(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { owned.change(m[w[0]], true) }),
		kgo.OnPartitionsRevoked(lost), kgo.OnPartitionsLost(lost)}
	if w[2] != "-" {
		opts = append(opts, kgo.InstanceID(w[2]))
	}
	cl := client(opts...)
	stopping, stop := context.WithCancel(ctx)
	go func() {
		in.ReadString('\n') // nothing ever comes but the end
		stop()
	}()
	for stopping.Err() == nil {
		fetches := cl.PollFetches(stopping)
		owned.Lock()
		fetches.EachRecord(func(r *kgo.Record) { fmt.Fprintf(out, "record\t%s\n", lineOf(r)) })
		out.Flush()
		owned.Unlock()
		cl.MarkCommitRecords(fetches.Records()...)
		cl.CommitMarkedOffsets(ctx)
		cl.AllowRebalance()
	}
	cl.CloseAllowingRebalance()
	os.Exit(0)
	return nil, nil
}

var commands = map[string]func([]string) ([]string, error){"create": create, "consume": consume, "group": group,
	"offsets": offsets, "describe": describe, "configs": configs, "cluster": cluster, "grow": grow, "delete": remove,
	"member": member}

func obey(w []string) ([]string, error) {
	if w[0] != "produce" {
		return commands[w[0]](w[1:])
	}
	count, _ := strconv.Atoi(w[5])
	lines := make([]string, count)
	for i := range lines {
		line, _ := in.ReadString('\n')
		lines[i] = strings.TrimSuffix(line, "\n")
	}
	return produce(w[1:], lines)
}

func main() {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		answer, err := obey(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		for _, a := range answer {
			fmt.Fprintln(out, a)
		}
		var known *kerr.Error
		if errors.As(err, &known) {
			fmt.Fprintf(out, "!\t%s\t%s\n", known.Message, known.Description)
		} else if err != nil {
			fmt.Fprintf(out, "!\tError\t%s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(out, ".")
		}
		out.Flush()
	}
}
