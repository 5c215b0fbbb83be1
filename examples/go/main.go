// Ask puts one question to Sluice over Kafka and prints the reply.
//
//	SLUICE_KAFKA_BOOTSTRAP_SERVERS=localhost:9092 go run . "What is Kafka?"
//
// It listens at the end of the reply topic before it asks, and knows its reply by the correlation
// id. Replies come at least once: whoever asks more than one question keeps the ids that it has seen.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	requests = "llm.requests.v1"
	replies  = "llm.replies.v1"
)

type reply struct {
	Status  string `json:"status"`
	Message struct {
		Content string `json:"content"`
	} `json:"message"`
	Model string      `json:"model"`
	Tier  string      `json:"tier"`
	Cost  json.Number `json:"cost_usd"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	servers := os.Getenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS")
	if servers == "" {
		servers = "localhost:9092"
	}
	found, err := ask(ctx, strings.Split(servers, ","), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if found.Error != nil {
		log.Fatalf("%s: %s", found.Error.Code, found.Error.Message)
	}
	fmt.Println(found.Message.Content)
	fmt.Printf("%s on tier %s, %s USD\n", found.Model, found.Tier, found.Cost)
}

func ask(ctx context.Context, servers []string, question string) (*reply, error) {
	ends, err := endsOf(ctx, servers, replies)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(servers...), kgo.ConsumePartitions(ends))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	mine := rand.Text()
	body, err := json.Marshal(map[string]string{"prompt": question, "feature": "example"})
	if err != nil {
		return nil, err
	}
	record := &kgo.Record{
		Topic:   requests,
		Value:   body,
		Headers: []kgo.RecordHeader{{Key: "correlation-id", Value: []byte(mine)}},
	}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return nil, err
	}
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, err
		}
		for _, record := range fetches.Records() {
			if correlation(record) == mine {
				found := &reply{}
				return found, json.Unmarshal(record.Value, found)
			}
		}
	}
}

// endsOf says where each partition of a topic ends now, so that no reply from now on is missed.
func endsOf(ctx context.Context, servers []string, topic string) (map[string]map[int32]kgo.Offset, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(servers...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	return listed.KOffsets(), listed.Error()
}

func correlation(record *kgo.Record) string {
	for _, header := range record.Headers {
		if header.Key == "correlation-id" {
			return string(header.Value)
		}
	}
	return ""
}
