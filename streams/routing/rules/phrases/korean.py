"""The Korean phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

KOREAN: Phrases = {
    "proof": listed("증명 | 유도하 | 반례 | 귀납법"),
    "mathematics": listed("""
        확률 | 소수가 | 소수의 | 기댓값 | 방정식 | 행렬 | 시간 복잡도 | 모든 n | 임의의 n
        모든 자연수 | 모든 정수 | 항등식
    """),
    "puzzle": listed("항상 거짓말 | 필승 전략 | 죄수"),
    "faults": listed("디버그 | 교착 | 경쟁 상태 | 근본 원인 | 메모리 누수 | 병목"),
    "systems": listed("분산 | 동시성 | 고가용성 | 일관성 | 무중단"),
    "design": listed("설계 | 아키텍처"),
    "judgement": listed("위험 | 근거 | 가정 | 의존성 | 모순"),
    "analysis": listed("비교 | 분석 | 평가 | 장단점"),
    "steps": listed("단계별"),
    "computation": listed("계산 | 구하시오 | 두 배 | 세 배"),
    "expertise": listed("계약 | 세금 | 법적 | 양자"),
    "explanation": listed("설명 | 왜"),
    "prose": listed("소설 | 에세이"),
    "manner": listed("""
        공손하게 | 정중하게 | 어조 | 말투 | 직역 | 의역 | 자연스럽게 | 쉬운 말 | 말장난 | 뉘앙스
        모든 정보
    """),
    "transform": listed("번역 | 요약 | 고쳐 써 | 다시 써"),
    "extract": listed("추출 | 분류"),
    "brief": listed("한 단어 | 예 또는 아니오"),
    "makes": listed("작성해 | 구현"),
    "code": listed("""
        함수 | 스크립트 | 코드
    """),
    "conditions": listed("반드시 | 최소"),
    "lookup": listed("어디 | 언제 | 얼마 | 누가 | 할 수 있나요"),
    "service": listed("주문 | 배송 | 비밀번호 | 환불 | 예약"),
    "greeting": listed("안녕하세요 | 감사합니다"),
    "personal": listed("저는 | 제가 | 제"),
    "papers": listed("""
        신원 | 신분증 | 본인 | 나임을 | 저임을 | 제 나이 | 내 나이 | 주소를 증명 | 구매 증명
    """),
    "access": listed("""
        현관 | 출입문 | 문 | 대문 | 차고 | 금고 | 건물 | 와이파이 | 할인 | 쿠폰 | 국가
        우편 | 드레스 | 초대
    """),
}
